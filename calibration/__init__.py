"""Before the line: the threshold, and what is measured to find it."""
