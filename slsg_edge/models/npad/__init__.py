"""N-pad: neighbouring pixels of nominal features (arXiv 2210.08768)."""
