"""What adds to a bundle: one file for each command that does."""
