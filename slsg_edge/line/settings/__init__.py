"""`line.toml`: what a line's stations are, how it is read, written and described."""
