"""From good images to weights, whatever the detector: batches, the loop, descent, checkpoints."""
