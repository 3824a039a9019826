"""CL-Flow's losses: likelihood of good images, smooth classification, contrast. In FP32.

Of the paper's last two only their kind is known; the formulas are ours. Knows nothing about
networks.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from slsg_edge.models.clflow.boxes import region_means
from slsg_edge.models.clflow.flow import distance


def likelihood_loss(z: Tensor, log_determinant: Tensor) -> Tensor:
    """Negative log-likelihood per number in z, but for a constant."""
    return distance(z).mean() - log_determinant


def classification_loss(
    logits: Tensor, mask: Tensor, smoothing: float, surroundings: float
) -> Tensor:
    """Cross-entropy of logits (2 B, 1, h, w), good half first, with labels smoothed to a half.

    Good images are good everywhere; of the others the mask (2 B, 1, h, w) is anomalous. What lies
    around it sees the anomaly, and a flow that learns to call that good grows blind: it weighs
    `surroundings`, against 1 of the anomaly.
    """
    good, anomalous = logits.chunk(2)
    present = mask.chunk(2)[1]
    low, high = smoothing / 2, 1 - smoothing / 2
    around = surroundings * (1 - present)
    other = present * _cross_entropy(anomalous, high) + around * _cross_entropy(anomalous, low)
    other = other.sum() / (present + around).sum().clamp(min=1)
    return (_cross_entropy(good, low).mean() + other) / 2


def _cross_entropy(logits: Tensor, target: float) -> Tensor:
    targets = torch.full_like(logits, target)
    return functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")


def global_contrast(features: Tensor) -> Tensor:
    """Good images (N, C, h, w) are alike as a whole: 1 - cosine of each pair's means."""
    unit = functional.normalize(features.mean((2, 3)), dim=1)
    count = len(unit)
    if count < 2:
        return features.sum() * 0
    between = (unit @ unit.T).sum() - (unit * unit).sum()
    return 1 - between / (count * (count - 1))


def box_contrast(good: Tensor, anomalous: Tensor, boxes: Tensor, margin: float) -> Tensor:
    """An anomaly's box is unlike the same box of the good image: their cosine above `margin`.

    The mean over the boxes (N, K, H, W) that are not empty.
    """
    present = (boxes.sum((2, 3)) > 0).float()
    pair = [region_means(features, boxes) for features in (good, anomalous)]
    cosine = functional.cosine_similarity(pair[0], pair[1], dim=2)
    excess = (cosine - margin).clamp(min=0) * present
    return excess.sum() / present.sum().clamp(min=1)


def contrast_loss(projected: Sequence[Tensor], boxes: Tensor, margin: float) -> Tensor:
    """Of all scales, each (2 B, C, h, w) with the good half first; boxes of the other half."""
    losses = []
    for features in projected:
        good, anomalous = features.chunk(2)
        losses.append(global_contrast(good) + box_contrast(good, anomalous, boxes, margin))
    return torch.stack(losses).mean()
