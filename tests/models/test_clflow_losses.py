"""CL-Flow's losses and boxes against their definitions."""

import math

import numpy as np
import pytest
import torch

from slsg_edge.models.clflow.boxes import BOXES, BoxedPairs, region_means, tight_boxes
from slsg_edge.models.clflow.losses import (
    box_contrast,
    classification_loss,
    global_contrast,
    likelihood_loss,
)


def test_likelihood_is_the_normal_distributions():
    z = torch.randn(2, 8, 4, 4)
    normal = -torch.distributions.Normal(0, 1).log_prob(z).mean() - 0.5 * math.log(2 * math.pi)
    assert likelihood_loss(z, torch.tensor(0.25)).item() == pytest.approx(
        normal.item() - 0.25, abs=1e-5
    )


def _classified(logits: list[float], mask: list[float], surroundings: float = 0.0) -> float:
    both = torch.tensor([0.0, 0.0, *mask]).reshape(2, 1, 1, 2)
    given = torch.tensor(logits, dtype=torch.float32).reshape(2, 1, 1, 2)
    return classification_loss(given, both, 0.1, surroundings).item()


def test_classification_is_smooth_cross_entropy():
    low, high = math.log(0.05 / 0.95), math.log(0.95 / 0.05)
    entropy = -0.05 * math.log(0.05) - 0.95 * math.log(0.95)
    best = _classified([low, low, high, high], [1, 1])
    assert best == pytest.approx(entropy, abs=1e-5)
    assert _classified([low, low, high + 2, high + 2], [1, 1]) > best  # too sure is worse


def test_what_lies_around_an_anomaly_counts_only_when_asked_for():
    assert _classified([0, 0, 1, 7], [1, 0]) == pytest.approx(_classified([0, 0, 1, -7], [1, 0]))
    called_bad, called_good = (_classified([0, 0, 1, x], [1, 0], 0.5) for x in (7.0, -7.0))
    assert called_good < called_bad


def test_classification_without_any_anomaly_is_finite():
    assert math.isfinite(_classified([0, 0, 0, 0], [0, 0]))


def test_good_images_that_point_the_same_way_have_no_global_contrast():
    direction = torch.randn(1, 6, 1, 1)
    alike = direction * torch.tensor([1.0, 2.0, 3.0]).reshape(3, 1, 1, 1).expand(3, 1, 4, 4)
    assert global_contrast(alike).item() == pytest.approx(0, abs=1e-6)
    apart = torch.cat((alike[:1], -alike[:1]))
    assert global_contrast(apart).item() == pytest.approx(2, abs=1e-6)


def test_box_contrast_looks_into_the_boxes_only():
    good, boxes = torch.ones(1, 2, 4, 4), torch.zeros(1, BOXES, 8, 8)
    boxes[0, 0, :4, :4] = 1
    anomalous = good.clone()
    anomalous[:, :, 2:, 2:] = -1  # elsewhere
    assert box_contrast(good, anomalous, boxes, 0.0).item() == pytest.approx(1, abs=1e-5)
    anomalous[:, 1, :2, :2] = -1  # at a right angle within the box
    assert box_contrast(good, anomalous, boxes, 0.0).item() == pytest.approx(0, abs=1e-5)
    assert box_contrast(good, good, boxes, 0.75).item() == pytest.approx(0.25, abs=1e-5)


def test_box_contrast_without_boxes_is_zero():
    features = torch.ones(1, 2, 4, 4)
    assert box_contrast(features, features, torch.zeros(1, BOXES, 4, 4), 0.0) == 0


def test_each_region_gets_its_tight_box_and_the_largest_come_first():
    mask = np.zeros((16, 16), bool)
    mask[1:3, 1:3] = True
    mask[5:12, 8] = mask[8, 5:12] = True  # a cross fills its box by half
    boxes = tight_boxes(mask)
    assert boxes.shape == (BOXES, 16, 16)
    assert boxes[0].sum() == boxes[0, 5:12, 5:12].sum() == 49
    assert boxes[1].sum() == boxes[1, 1:3, 1:3].sum() == 4
    assert not boxes[2:].any()


def test_crumbs_beyond_the_last_box_are_left_out():
    mask = np.zeros((4, 20), bool)
    mask[1, ::2] = True
    assert [box.sum() for box in tight_boxes(mask)] == [1] * BOXES


def test_region_means_are_means_of_what_the_box_covers():
    features = torch.arange(16.0).reshape(1, 1, 4, 4)
    boxes = torch.zeros(1, 2, 8, 8)
    boxes[0, 0, :2, :4] = 1  # cells 0 and 1
    assert region_means(features, boxes).flatten().tolist() == pytest.approx([0.5, 0])


class _Pairs:
    def __getitem__(self, iteration: int) -> tuple[torch.Tensor, torch.Tensor]:
        masks = torch.zeros(2, 1, 8, 8)
        masks[1, 0, 0, :4] = 1
        masks[1, 0, :4, 0] = 1
        return torch.zeros(2, 8, 8, 3, dtype=torch.uint8), masks


def test_targets_are_shares_of_the_flows_cells():
    _, targets = BoxedPairs(_Pairs(), 4)[0]  # type: ignore[arg-type]
    assert targets.shape == (2, 1 + BOXES, 2, 2)
    assert targets[1, 0].tolist() == [[7 / 16, 0], [0, 0]]
    assert targets[1, 1].tolist() == [[1, 0], [0, 0]]
    assert not targets[0].any()
