"""The stated false-alarm rate of the test for drift, and how soon it sees a change, simulated."""

import random

import numpy as np
import pytest

from slsg_edge.line.drift.evidence import Evidence


def _place(value: float) -> float:
    return 0.5 + value / 16


def _alarm(seed: int, values: np.ndarray, calibration: int, rate: float) -> int | None:
    """At which part behind those of the calibration it warns first."""
    chance = random.Random(seed)
    evidence = Evidence()
    evidence.learn(map(_place, values[:calibration]))
    for number, value in enumerate(values[calibration:]):
        evidence.see(_place(value), 1 / rate, chance)
        if evidence.crossed:
            return number
    return None


@pytest.mark.slow
def test_without_drift_no_more_runs_warn_than_is_stated():
    """Of 500 runs, with as few images as a calibration may have. At 1 in 5, so that it can be
    counted.
    """
    runs = [
        _alarm(seed, np.random.default_rng(seed).normal(size=220), 20, 0.2) for seed in range(500)
    ]
    alarms = sum(alarm is not None for alarm in runs)
    assert 0 < alarms <= 100


def test_at_one_in_a_hundred_hardly_any_warns():
    runs = [
        _alarm(seed, np.random.default_rng(seed).exponential(size=230), 30, 0.01)
        for seed in range(100)
    ]
    assert sum(alarm is not None for alarm in runs) <= 2


@pytest.mark.parametrize(("after", "calibration"), [(0, 500), (1000, 200)])
def test_half_a_standard_deviation_is_seen_within_500_parts(after, calibration):
    """At a rate of 1 in 500, which is a fifth of 1 in 100."""
    delays = []
    for seed in range(10):
        values = np.random.default_rng(seed).normal(size=calibration + after + 500)
        values[calibration + after :] += 0.5
        alarm = _alarm(seed, values, calibration, 0.002)
        assert alarm is not None
        assert alarm >= after
        delays.append(alarm - after)
    assert np.median(delays) < 300


@pytest.mark.parametrize("change", [lambda z: z - 2, lambda z: z * 2.5, lambda z: z * 0.2])
def test_lower_wider_and_narrower_values_are_changes_too(change):
    values = np.random.default_rng(3).normal(size=600)
    alarm = _alarm(3, np.concatenate((values[:300], change(values[300:]))), 100, 0.01)
    assert alarm is not None
    assert alarm >= 200


def test_values_that_are_all_the_same_are_no_drift():
    chance, evidence = random.Random(1), Evidence(learning=50)
    for _ in range(1000):
        evidence.see(0.5, 100, chance)
    assert not evidence.drifted


def test_what_has_gone_again_is_told_no_more():
    chance, evidence = random.Random(1), Evidence(learning=100)
    values = np.random.default_rng(1).normal(size=700)
    values[200:400] += 3
    told = []
    for value in values:
        evidence.see(_place(value), 100, chance)
        told.append(evidence.drifted)
    assert not any(told[:200])
    assert told[300]
    assert not told[-1]


def test_a_share_is_kept_for_bets_that_begin_late():
    """What all stakes come to is 1 on average over p-values that are spread evenly."""
    total = 0.0
    for place in range(1000):
        evidence = Evidence()
        evidence._bet((place + 0.5) / 1000)
        total += evidence.wealth
    assert total / 1000 == pytest.approx(1, abs=1e-3)
