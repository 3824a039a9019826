"""Good scores of reviewed rejects that join those of a threshold."""

import dataclasses

import pytest

from slsg_edge.calibration.operating_points import (
    AcquiredScore,
    choose_threshold,
    threshold_at,
    with_undecided_band,
)
from slsg_edge.calibration.reviewed import joined_threshold, passing, rate_to_join_for
from slsg_edge.calibration.threshold import threshold_from_scores
from slsg_edge.scoring import Threshold

SCORES = [0.2 + index / 2000 for index in range(199)]
SIMULATED = {"texture, small": tuple(0.25 + index / 40 for index in range(20))}
NEW = {"x": 0.31, "y": 0.32}


def named(threshold: Threshold) -> Threshold:
    count = len(threshold.good_scores)
    images = tuple(f"{index:03}" for index in range(count))
    return dataclasses.replace(threshold, images=images, left_out=count - 1)


@pytest.fixture
def old():
    return named(choose_threshold([AcquiredScore(score) for score in SCORES], SIMULATED))


@pytest.fixture
def of_two_days():
    good = [AcquiredScore(score, "mon") for score in SCORES]
    good += [AcquiredScore(score - 0.05, "tue") for score in SCORES]
    return named(choose_threshold(good, SIMULATED))


def test_what_the_old_one_is_from_is_kept(old, of_two_days):
    for before in (old, of_two_days):
        after = joined_threshold(before, NEW, rate_to_join_for(before))
        assert after.simulated == before.simulated
        assert after.left_out == before.left_out
        assert len(after.good_scores) == len(after.images) == len(before.images) + 2
        assert after.reviewed == ("x", "y")


def test_they_are_an_acquisition_only_beside_others(old, of_two_days):
    assert joined_threshold(old, NEW, None).acquisitions == {}
    joined = joined_threshold(of_two_days, NEW, None)
    assert joined.acquisitions == {**of_two_days.acquisitions, "reviewed": (0.31, 0.32)}
    again = joined_threshold(joined, {"z": 0.33}, None)
    assert again.acquisitions["reviewed"] == (0.31, 0.32, 0.33)
    assert len(again.good_scores) == sum(map(len, again.acquisitions.values()))


def test_acquisitions_are_still_held_to_the_rate(of_two_days):
    """All of them together would allow a lower threshold than Monday alone."""
    rate = 1 / 20
    joined = joined_threshold(of_two_days, NEW, rate)
    monday = threshold_from_scores(of_two_days.acquisitions["mon"], rate)
    together = threshold_from_scores(joined.good_scores, rate)
    assert joined.value == monday.value > together.value


def test_the_ladder_chooses_anew_where_it_chose_before(old):
    """New good scores push the strict thresholds over the simulated anomalies."""
    assert old.chosen_by == "simulated anomalies"
    assert rate_to_join_for(old) is None
    assert old.false_alarm_rate == 1 / 50
    joined = joined_threshold(old, {str(index): 0.5 for index in range(8)}, rate_to_join_for(old))
    assert joined.chosen_by == "simulated anomalies"
    assert joined.false_alarm_rate == 1 / 20


@pytest.mark.parametrize("chosen_by", ["rate", "defects and costs"])
def test_else_it_stays_at_its_old_rate(old, chosen_by):
    by_rate = dataclasses.replace(old, chosen_by=chosen_by)
    joined = joined_threshold(by_rate, {"x": 0.5}, rate_to_join_for(by_rate))
    assert (joined.false_alarm_rate, joined.chosen_by) == (1 / 50, "rate")


def test_one_of_an_earlier_version_joins_at_its_rate():
    scores = SCORES[:30]
    old = named(threshold_from_scores(scores, 0.001))
    joined = joined_threshold(old, NEW, rate_to_join_for(old))
    expected = threshold_from_scores([*scores, *NEW.values()], 0.001)
    assert (joined.value, joined.method) == (expected.value, "tail")


def test_the_undecided_band_is_kept(old):
    band = named(with_undecided_band(old))
    joined = joined_threshold(band, NEW, rate_to_join_for(band))
    good = [AcquiredScore(score) for score in joined.good_scores]
    assert joined.undecided_above == threshold_at(good, 1 / 20).value
    assert joined.value == threshold_at(good, 1 / 100).value


def test_a_bad_one_between_two_thresholds_is_not_missed(old):
    band = with_undecided_band(old)
    assert band.undecided_above is not None
    between = (band.undecided_above + band.value) / 2
    assert passing([between, 0.1, 0.9], band) == 1
    assert passing([between, 0.1, 0.9], dataclasses.replace(band, undecided_above=None)) == 2
