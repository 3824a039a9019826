"""The losses of both stages, on float32 probabilities and images."""

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from slsg_edge.models.slsg.settings import SegmentationLossSettings

SSIM_WINDOW = 11
SSIM_SIGMA = 1.5


def segmentation_loss(
    logits: Tensor, auxiliary: Tensor, mask: Tensor, settings: SegmentationLossSettings
) -> Tensor:
    """0.4 focal + 0.6 L1 + 0.3 auxiliary L1 (SLSG's train.py); all of (N, 1, H, W)."""
    probability = torch.sigmoid(logits.float())
    auxiliary_probability = torch.sigmoid(auxiliary.float())
    return (
        settings.focal * focal_loss(probability, mask, settings.gamma, settings.smoothing)
        + settings.l1 * functional.l1_loss(probability, mask)
        + settings.auxiliary * functional.l1_loss(auxiliary_probability, mask)
    )


def focal_loss(probability: Tensor, mask: Tensor, gamma: float, smoothing: float) -> Tensor:
    """-(1 - p_t)^gamma log p_t without class weights (Lin et al. 2017, eq. 4), labels smoothed."""
    target = mask.clamp(smoothing, 1 - smoothing)
    right = target * probability + (1 - target) * (1 - probability) + smoothing
    return (-((1 - right).clamp(min=0) ** gamma) * right.log()).mean()


def reconstruction_loss(image: Tensor, clean: Tensor, ssim_weight: float) -> Tensor:
    """L1 + ssim_weight * (1 - SSIM), images (N, 3, H, W) in 0 to 1."""
    image = image.float()
    return functional.l1_loss(image, clean) + ssim_weight * (1 - ssim(image, clean))


def ssim(first: Tensor, second: Tensor) -> Tensor:
    """Mean structural similarity (Wang et al. 2004, eq. 13) with their Gaussian window."""
    pair = torch.cat((first, second, first * first, second * second, first * second))
    means = _blur(pair).chunk(5)
    square_a, square_b, product = means[0] ** 2, means[1] ** 2, means[0] * means[1]
    variance = means[2] - square_a + means[3] - square_b
    covariance = means[4] - product
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2 * product + c1) / (square_a + square_b + c1)
    return (luminance * (2 * covariance + c2) / (variance + c2)).mean()


def _blur(x: Tensor) -> Tensor:
    channels = x.shape[1]
    row = _gaussian().to(x)
    across = functional.conv2d(x, row.expand(channels, 1, 1, -1), groups=channels)
    return functional.conv2d(across, row.mT.expand(channels, 1, -1, 1), groups=channels)


@lru_cache
def _gaussian() -> Tensor:
    """(1, window), sums to 1."""
    distance = torch.arange(SSIM_WINDOW, dtype=torch.float32) - SSIM_WINDOW // 2
    weights = torch.exp(-(distance**2) / (2 * SSIM_SIGMA**2))
    return (weights / weights.sum())[None]
