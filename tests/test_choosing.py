"""Choosing a detector without a look at test images."""

from types import SimpleNamespace

import numpy as np
import pytest

from slsg_edge.choosing import _decide
from slsg_edge.metrics.intervals import Figure

GOOD, BAD = 40, 80
LABELS = np.arange(GOOD + BAD) >= GOOD


def _trial(name, milliseconds):
    return SimpleNamespace(detector=name, milliseconds=milliseconds, auroc=Figure(0, 0, 0))


def _scores(gap, seed=0):
    noise = np.random.default_rng(seed).normal(size=GOOD + BAD)
    return (noise + gap * LABELS).astype(np.float32)


@pytest.mark.parametrize(
    ("gaps", "milliseconds", "expected", "said"),
    [
        ((3.0, 0.2), (9, 1), "a", "by more than chance"),
        ((3.0, 2.9), (9, 1), "b", "fastest of those"),
        ((3.0, 2.9), (1, 9), "a", "faster than those next to it: b"),
    ],
)
def test_the_fastest_of_those_that_are_no_worse_is_taken(gaps, milliseconds, expected, said):
    trials = [_trial(name, ms) for name, ms in zip("ab", milliseconds, strict=True)]
    chosen, reason = _decide(trials, np.stack([_scores(gap) for gap in gaps]), LABELS)
    assert chosen.detector == expected
    assert said in reason
