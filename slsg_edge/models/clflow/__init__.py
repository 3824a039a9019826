"""CL-Flow: a 2D normalising flow that also learns from simulated anomalies (arXiv 2311.06794)."""
