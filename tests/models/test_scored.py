"""From pixels to score: the one definition that training and the graph share."""

import numpy as np
import torch

from slsg_edge.models.network import Network
from slsg_edge.models.normalisation import IMAGENET_DEVIATION, IMAGENET_MEAN
from slsg_edge.models.scored import (
    Normalise,
    PixelsToScore,
    image_score,
)


def test_bgr_bytes_become_normalised_rgb():
    frame = np.random.default_rng(0).integers(0, 256, (1, 4, 5, 3), dtype=np.uint8)
    expected = (frame[0, ..., ::-1] / 255 - np.array(IMAGENET_MEAN)) / np.array(IMAGENET_DEVIATION)
    found = Normalise()(torch.from_numpy(frame))[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_score_is_the_mean_of_the_hundred_largest_pixels():
    anomaly_map = torch.rand(2, 20, 30)
    expected = anomaly_map.flatten(1).sort(1).values[:, -100:].mean(1)
    assert torch.allclose(image_score(anomaly_map, 100), expected)


def test_the_score_may_be_the_mean_of_all():
    anomaly_map = torch.rand(2, 20, 30)
    assert torch.allclose(image_score(anomaly_map, None), anomaly_map.mean((1, 2)))


class Constant(Network):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logits = torch.zeros(len(x), 1, 16, 16)
        return logits, logits


def test_zero_logits_score_one_half():
    anomaly_map, score = PixelsToScore(Constant())(torch.zeros(3, 16, 16, 3, dtype=torch.uint8))
    assert anomaly_map.shape == (3, 16, 16)
    assert score.tolist() == [0.5, 0.5, 0.5]
