"""SLSG: self-supervised learning and self-attentive graph convolution (arXiv 2305.00398)."""
