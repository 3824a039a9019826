"""FractalAD (arXiv 2301.12739): fractal anomalies, teacher, student and a segmentation head."""
