"""The page of a line, its health checks and its metrics."""
