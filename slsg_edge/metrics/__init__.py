"""How good scores and maps are, in NumPy. Knows nothing about detectors."""
