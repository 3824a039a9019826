"""From good images to weights: stage 1 (generative pre-training), stage 2, checkpoints."""
