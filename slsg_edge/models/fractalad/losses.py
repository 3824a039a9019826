"""The losses of both learners, in float32."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from slsg_edge.models.fractalad.network import cosine


def segmentation_loss(logits: Tensor, mask: Tensor) -> Tensor:
    """Binary cross-entropy plus Dice over the whole batch; both (N, 1, H, W)."""
    logits = logits.float()
    return functional.binary_cross_entropy_with_logits(logits, mask) + dice_loss(logits, mask)


def dice_loss(logits: Tensor, mask: Tensor) -> Tensor:
    """1 - (2 |P and M| + 1) / (|P| + |M| + 1) (Milletari et al. 2016, smoothed)."""
    probability = torch.sigmoid(logits)
    shared = (probability * mask).sum()
    return 1 - (2 * shared + 1) / (probability.sum() + mask.sum() + 1)


def distillation_loss(taught: Sequence[Tensor], learned: Sequence[Tensor]) -> Tensor:
    """How far the student points elsewhere: the mean of 1 - cosine, summed over levels."""
    levels = [1 - cosine(*pair).mean() for pair in zip(taught, learned, strict=True)]
    return torch.stack(levels).sum()
