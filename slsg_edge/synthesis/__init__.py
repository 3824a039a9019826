"""Simulated anomalies in NumPy and OpenCV: nothing here knows a network or torch."""
