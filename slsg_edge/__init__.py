"""slsg-edge: from a folder of good images to a trusted anomaly detector on a line PC."""

__version__ = "0.1.0"
