"""Data sets on disk: layouts, splits and the samples in them. Never imports torch."""
