"""Around a detector on a production line: frame sources, the watch loop, sinks."""
