"""The whole story on a made-up product; `story` is the file to read."""
