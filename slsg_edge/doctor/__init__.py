"""What this machine has for training and the line, and how to get what is missing."""
