"""One small file per family of layouts: how it is recognised, and how it is read."""
