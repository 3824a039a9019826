"""Names of detectors for those who only name one: the registry needs PyTorch."""

DEFAULT_DETECTOR = "slsg"
QUICKEST_DETECTOR = "npad"  # one pass over the images
