"""Anomalies are simulated in images that are held out only where they count."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from slsg_edge.preprocessing import Preprocessing
from slsg_edge.stages import good_scores
from slsg_edge.synthesis.simulated import SimulatedSet


class _Painter:
    """A simulator whose anomalies are white."""

    def normal(self, rng, image):
        return image

    def anomalous(self, rng, image, other):
        return np.full_like(image, 255), np.ones(image.shape[:2], bool)


class _Half(torch.nn.Module):
    """Scores everything 0.5."""

    def forward(self, frame):
        return torch.zeros(1), torch.tensor([0.5])


@pytest.mark.parametrize(("anomalies", "count"), [(True, 4), (False, 0)])
def test_those_that_would_not_count_are_not_drawn(monkeypatch, tmp_path, anomalies, count):
    frames = np.zeros((2, 8, 8, 3), np.uint8)
    monkeypatch.setattr(good_scores, "store_held_out", lambda *_: frames)
    monkeypatch.setattr(good_scores, "PixelsToScore", lambda _: _Half())
    drawn = SimulatedSet(frames, {"white": _Painter()}, wanted=4)
    context = SimpleNamespace(
        settings=SimpleNamespace(preprocessing=Preprocessing(64, 64)),
        device=SimpleNamespace(place=torch.device("cpu")),
        simulated=lambda: drawn,
    )
    material = SimpleNamespace(held_out=("a", "b"))
    found = good_scores.scores_of_held_out(
        torch.nn.Module(), context, material, tmp_path, anomalies=anomalies
    )
    assert found.good == {0: 0.5, 1: 0.5}
    assert len(found.simulated) == count
