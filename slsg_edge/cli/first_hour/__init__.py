"""From a folder of photos to a bundle, a page and the command for the line: the first hour."""
