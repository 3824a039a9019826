"""How fast anomalies are simulated, whichever the detector."""

import numpy as np
import pytest

from slsg_edge.bench import synthesis as synthesis_bench
from slsg_edge.bench.synthesis import SIMULATED, cut_paste_rate, own_rate, pairs_per_second
from slsg_edge.models.registry import DETECTORS

IMAGE = np.random.default_rng(0).integers(0, 255, (64, 48, 3), dtype=np.uint8)


@pytest.fixture
def fewer(monkeypatch):
    """Anomalies: enough to see a rate far above the limit."""
    monkeypatch.setattr(synthesis_bench, "SIMULATED", 25)


@pytest.mark.usefixtures("fewer")
@pytest.mark.parametrize("detector", DETECTORS)
def test_every_detector_simulates_enough_for_its_training(detector):
    rate = own_rate(detector, IMAGE)
    assert rate is not None
    assert rate > 40


@pytest.mark.usefixtures("fewer")
def test_cut_paste_is_measured_beside_it():
    assert cut_paste_rate(IMAGE) > 40


def test_a_detector_that_nobody_knows_has_no_rate():
    assert own_rate("toy", IMAGE) is None


def test_without_pytorch_there_is_no_rate(monkeypatch):
    monkeypatch.setattr(synthesis_bench.importlib.util, "find_spec", lambda name: None)
    assert own_rate("slsg", IMAGE) is None


def test_pairs_are_made_at_the_size_that_is_stated():
    sizes = []

    class Counting:
        def normal(self, rng, image):
            sizes.append(image.shape)
            return image

        def anomalous(self, rng, image, other):
            return image, image[..., 0] > 0

    pairs_per_second(Counting(), IMAGE)
    assert sizes == [(256, 256, 3)] * SIMULATED
