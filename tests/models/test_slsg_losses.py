"""The losses against their formulas."""

import numpy as np
import pytest
import torch

from slsg_edge.models.slsg.losses import focal_loss, reconstruction_loss, segmentation_loss, ssim
from slsg_edge.models.slsg.settings import SegmentationLossSettings


def test_focal_loss_is_its_formula():
    probability, mask = torch.tensor([0.9, 0.2]), torch.tensor([1.0, 0.0])
    expected = np.mean([-((1 - p) ** 4) * np.log(p) for p in (0.9, 0.8)])
    assert focal_loss(probability, mask, 4.0, 1e-5).item() == pytest.approx(expected, rel=1e-2)


def test_the_weights_are_the_papers():
    logits = torch.zeros(1, 1, 4, 4)
    mask = torch.ones(1, 1, 4, 4)
    focal = focal_loss(torch.full((1,), 0.5), torch.ones(1), 4.0, 1e-5)
    expected = 0.4 * focal + 0.6 * 0.5 + 0.3 * 0.5
    assert segmentation_loss(
        logits, logits, mask, SegmentationLossSettings()
    ).item() == pytest.approx(expected.item(), rel=1e-4)


def test_certain_and_wrong_logits_stay_finite():
    logits = torch.full((1, 1, 4, 4), -200.0, requires_grad=True)
    loss = segmentation_loss(logits, logits, torch.ones(1, 1, 4, 4), SegmentationLossSettings())
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


def test_ssim_is_one_for_equal_images_and_falls_with_noise():
    torch.manual_seed(0)
    image = torch.rand(1, 3, 32, 32)
    assert ssim(image, image).item() == pytest.approx(1.0, abs=1e-5)
    little, much = (ssim(image, image + s * torch.randn_like(image)) for s in (0.05, 0.5))
    assert 1 > little > much


def _ssim_of_one_window(a: np.ndarray, b: np.ndarray) -> float:
    """Wang et al. 2004, eq. 13, for one 11 x 11 window."""
    place = np.arange(11) - 5
    row = np.exp(-(place**2) / (2 * 1.5**2))
    weight = np.outer(row, row) / row.sum() ** 2
    mean_a, mean_b = (weight * a).sum(), (weight * b).sum()
    var_a, var_b = (weight * (a - mean_a) ** 2).sum(), (weight * (b - mean_b) ** 2).sum()
    covariance = (weight * (a - mean_a) * (b - mean_b)).sum()
    top = (2 * mean_a * mean_b + 1e-4) * (2 * covariance + 9e-4)
    return float(top / ((mean_a**2 + mean_b**2 + 1e-4) * (var_a + var_b + 9e-4)))


def test_ssim_is_its_formula():
    rng = np.random.default_rng(0)
    a, b = rng.random((11, 11)), rng.random((11, 11))
    pair = (torch.from_numpy(x).float()[None, None] for x in (a, b))
    assert ssim(*pair).item() == pytest.approx(_ssim_of_one_window(a, b), abs=1e-4)


def test_reconstruction_loss_is_zero_for_the_clean_image():
    image = torch.rand(1, 3, 16, 16)
    assert reconstruction_loss(image, image, 0.5).item() == pytest.approx(0, abs=1e-6)
