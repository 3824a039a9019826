"""How RGB pixels, as shares of white, are normalised before a backbone sees them."""

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
