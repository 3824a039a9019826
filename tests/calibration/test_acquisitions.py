"""Good images of several days or lights: what they say of the next one."""

import math

import numpy as np
import pytest

from slsg_edge.calibration.acquisitions import acquisition_notes, rate_elsewhere, spread_between
from slsg_edge.calibration.operating_points import AcquiredScore, choose_threshold, threshold_at
from slsg_edge.calibration.threshold import threshold_by_hand
from slsg_edge.scoring import logit


def expit(logits):
    return 1 / (1 + np.exp(-np.asarray(logits)))


def drawn(random, level, count, acquisition=""):
    return [AcquiredScore(float(s), acquisition) for s in expit(random.normal(level, 0.7, count))]


def scores(some):
    return [each.score for each in some]


def test_the_spread_between_days_is_found_in_the_mean_over_many_draws():
    random, found = np.random.default_rng(0), []
    for _ in range(300):
        levels = random.normal(-4, 0.8, 8)
        found.append(
            spread_between({str(i): scores(drawn(random, levels[i], 30)) for i in range(8)})
        )
    assert np.sqrt(np.mean(np.square(found))) == pytest.approx(0.8, rel=0.06)


def test_days_that_differ_by_chance_alone_have_nearly_no_spread():
    random = np.random.default_rng(1)
    found = [
        spread_between({str(i): scores(drawn(random, -4, 30)) for i in range(6)})
        for _ in range(100)
    ]
    assert np.mean(found) < 0.1
    assert min(found) == 0


def test_days_of_fewer_than_three_images_say_nothing():
    random = np.random.default_rng(2)
    few = {"a": scores(drawn(random, -4, 50)), "b": scores(drawn(random, -1, 2))}
    assert spread_between(few) is None
    assert rate_elsewhere(few, 0.1) is None
    assert spread_between({**few, "c": scores(drawn(random, -1, 3))}) > 1
    assert spread_between({}) is None


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_equal_scores_have_no_spread_and_no_error(value):
    equal = {"a": [value] * 20, "b": [value] * 3}
    assert spread_between(equal) == 0
    assert rate_elsewhere(equal, 0.5) == pytest.approx(1.0 if value == 1 else 0.0)


@pytest.mark.parametrize("days", [2, 4, 10])
def test_the_rate_elsewhere_is_not_far_from_that_of_parts_of_another_day(days):
    random, told, true = np.random.default_rng(3), [], []
    for _ in range(200):
        names = [str(day) for day in range(days)]
        levels = random.normal(-4, 0.8, days)
        known = [e for i, name in enumerate(names) for e in drawn(random, levels[i], 40, name)]
        found = threshold_at(known, 0.05)
        told.append(rate_elsewhere(found.acquisitions, found.value))
        other = random.normal(random.normal(-4, 0.8, 1000), 0.7)
        true.append((other > logit(found.value)).mean())
    # two days know little of their spread: too many is said rather than too few
    assert 0.8 * np.mean(true) < np.mean(told) < 2 * np.mean(true)


LEVELS = {"bright": -4.0, "dark": -2.0}  # logits


class TestTwoLights:
    """Half of the images are darker, and score higher."""

    def known(self, random, lights=("bright", "dark"), count=150):
        return [each for light in lights for each in drawn(random, LEVELS[light], count, light)]

    @pytest.mark.parametrize("rate", [0.02, 0.05])
    @pytest.mark.parametrize("light", ["bright", "dark"])
    def test_calibrated_with_both_at_most_the_rate_of_each_light_is_rejected(self, light, rate):
        random, shares = np.random.default_rng(4), []
        for _ in range(300):
            limit = threshold_at(self.known(random), rate).value
            fresh = random.normal(LEVELS[light], 0.7, 400)
            shares.append((fresh > logit(limit)).mean())
        assert np.mean(shares) <= rate + 1.96 * np.std(shares) / np.sqrt(len(shares))

    def test_over_all_images_alone_the_dark_ones_would_be_rejected_too_often(self):
        random = np.random.default_rng(5)
        mixed = [AcquiredScore(each.score) for each in self.known(random)]
        limit = threshold_at(mixed, 0.05).value
        fresh = random.normal(LEVELS["dark"], 0.7, 4000)
        assert (fresh > logit(limit)).mean() > 0.07

    def test_calibrated_with_one_alone_a_note_warns(self):
        random = np.random.default_rng(6)
        known = self.known(random, ("bright",))
        limit = choose_threshold(known, {}, 0.05)
        assert (random.normal(-2, 0.7, 1000) > logit(limit.value)).mean() > 0.5
        (note,) = acquisition_notes(limit)
        assert "one occasion" in note
        assert "calibrate again with images of that" in note

    def test_with_both_each_is_named_and_so_is_what_another_may_do(self):
        found = choose_threshold(self.known(np.random.default_rng(7)), {}, 0.05)
        shares, elsewhere = acquisition_notes(found)
        assert "2 acquisitions: bright 0 of 150 above, dark " in shares
        assert "another acquisition may have" in elsewhere

    def test_a_light_of_three_images_is_said_to_show_nothing_by_itself(self):
        random = np.random.default_rng(8)
        known = [*self.known(random, ("bright",)), *drawn(random, -2, 3, "dark")]
        notes = acquisition_notes(choose_threshold(known, {}, 0.05))
        assert any("Fewer than 19" in note and note.endswith(": dark.") for note in notes)


def test_a_threshold_by_hand_has_notes_too():
    assert "one occasion" in acquisition_notes(threshold_by_hand(0.4, [0.1] * 9))[0]


def test_the_share_elsewhere_is_a_share():
    random = np.random.default_rng(9)
    known = {
        name: scores(drawn(random, level, 20))
        for name, level in zip("abc", (-6, -2, 3), strict=True)
    }
    for limit in (0.0, 1e-6, 0.5, 1 - 1e-6):
        share = rate_elsewhere(known, limit)
        assert 0 <= share <= 1
        assert math.isfinite(share)
