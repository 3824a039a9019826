"""What operating points miss of defects, and which of them costs least."""

import math

import pytest

from slsg_edge.calibration.costs import DEFECT_RATE, Costs
from slsg_edge.calibration.defects import (
    cheapest,
    choose_defects,
    counted_defects,
    counted_on,
    require_enough_defects,
)
from slsg_edge.calibration.operating_points import (
    AcquiredScore,
    choose_threshold,
    with_undecided_band,
)
from slsg_edge.data.splits import content_hash
from slsg_edge.errors import ConfigError, DatasetError

GOOD = [AcquiredScore(0.2 + index / 1000) for index in range(99)]  # to 0.298
SIMULATED = {"texture, small": (0.6, 0.7, 0.8)}
# the rates 1 in 100, 50 and 20 stand at 0.298, 0.297 and 0.294
DEFECTS = [0.2935, 0.2955, 0.2965, 0.2975, 0.5, 0.5, 0.5, 0.5]


@pytest.fixture
def found():
    return choose_threshold(GOOD, SIMULATED)


def test_each_point_knows_what_it_misses_and_nothing_else_changes(found):
    counted = counted_on(found, DEFECTS)
    assert [(point.missed, point.defects) for point in counted.points] == [(4, 8), (3, 8), (1, 8)]
    assert counted.value == found.value
    assert counted_defects(counted) == 8
    assert counted_defects(found) is None


def test_a_defect_at_the_threshold_itself_is_missed(found):
    counted = counted_on(found, [found.points[0].threshold])
    assert counted.points[0].missed == 1


@pytest.mark.parametrize(
    ("miss", "false_alarm", "defect_rate", "rate"),
    [
        (1, 1000, 0.01, 1 / 100),  # false alarms are what costs
        (1000, 1, 0.01, 1 / 20),  # misses are
        (1, 1000, 0.9999, 1 / 20),  # nearly every part is defective
    ],
)
def test_the_cheapest_point_is_taken(found, miss, false_alarm, defect_rate, rate):
    costs = Costs(miss, false_alarm, defect_rate)
    taken = cheapest(counted_on(found, DEFECTS), costs)
    assert taken.false_alarm_rate == rate
    assert taken.chosen_by == "defects and costs"
    (chosen,) = [point for point in taken.points if point.chosen]
    assert (chosen.false_alarm_rate, chosen.threshold) == (rate, taken.value)
    assert costs.expected(chosen) == min(costs.expected(point) for point in taken.points)
    assert (taken.good_scores, taken.simulated) == (found.good_scores, found.simulated)


def test_the_expected_cost_is_that_of_misses_and_false_alarms(found):
    point = counted_on(found, DEFECTS).points[1]
    cost = Costs(100, 2, 0.1).expected(point)
    assert cost == pytest.approx(0.1 * 100 * 3 / 8 + 0.9 * 2 * 0.02)
    assert Costs(100, 2).expected(found.points[1]) is None
    assert Costs(1, 1).defect_rate == DEFECT_RATE == 0.01


def test_of_equally_dear_points_the_strictest_is_taken(found):
    """Nothing is missed anywhere, and a false alarm costs next to nothing."""
    taken = cheapest(counted_on(found, [0.9] * 8), Costs(1, 1e-300, 0.5))
    assert taken.false_alarm_rate == 1 / 100


def test_an_extrapolated_point_is_never_taken_by_costs():
    extrapolated = choose_threshold(GOOD, SIMULATED, rate=0.001)
    counted = counted_on(extrapolated, [0.999] * 8)
    assert counted.points[0].false_alarm_rate == 0.001
    assert cheapest(counted, Costs(1, 1000)).false_alarm_rate == 1 / 100


def test_by_costs_there_is_no_undecided_band(found):
    band = counted_on(with_undecided_band(found), DEFECTS)
    assert band.undecided_above is not None
    assert cheapest(band, Costs(1000, 1)).undecided_above is None


def test_each_acquisition_is_held_to_the_rate_of_the_cheapest_point_too():
    two = [AcquiredScore(each.score, "day") for each in GOOD]
    two += [AcquiredScore(each.score + 0.3, "night") for each in GOOD]
    taken = cheapest(counted_on(choose_threshold(two, SIMULATED), [0.9] * 8), Costs(1, 1000))
    night = [each.score for each in two if each.acquisition == "night"]
    assert taken.value == pytest.approx(max(night))


@pytest.mark.parametrize("cost", [0, -1, math.inf, math.nan])
def test_a_cost_that_is_none_is_refused(cost):
    with pytest.raises(ConfigError, match="The cost of a miss is"):
        Costs(cost, 1)
    with pytest.raises(ConfigError, match="The cost of a false alarm is"):
        Costs(1, cost)


@pytest.mark.parametrize("rate", [0, 1, -0.1, math.nan])
def test_a_defect_rate_that_is_no_share_is_refused(rate):
    with pytest.raises(ConfigError, match="is not between 0 and 1"):
        Costs(1, 1, rate)


def test_seven_defects_are_too_few_to_choose_by():
    with pytest.raises(DatasetError, match=r"7 defects are too few.* at least 8") as raised:
        require_enough_defects(7)
    assert "Give 1 more" in raised.value.fix
    require_enough_defects(8)


@pytest.fixture
def folder(tmp_path):
    """Three contents in four files, at several depths; and a picture with heat, and a text."""
    for name, content in (
        *(("a.png", b"a"), ("scratch/b.png", b"b"), ("scratch/deep/c.png", b"c")),
        *(("scratch/copy.png", b"a"), ("a_heat.jpg", b"d"), ("notes.txt", b"e")),
    ):
        path = tmp_path / "defects" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "defects"


def test_each_content_counts_once_at_any_depth(folder):
    names = {path.name for path in choose_defects(folder, ()).values()}
    assert names in ({"a.png", "b.png", "c.png"}, {"copy.png", "b.png", "c.png"})


def test_good_images_are_no_defects(folder):
    with pytest.raises(DatasetError, match=r"1 of 3 images .*b\.png"):
        choose_defects(folder, {content_hash(folder / "scratch/b.png")})
    (folder / "scratch").rename(folder / "good")
    with pytest.raises(DatasetError, match=r"[23] of 3 images .*good"):
        choose_defects(folder, ())
    with pytest.raises(DatasetError, match="3 of 3 images"):
        choose_defects(folder / "good", ())


def test_an_empty_or_absent_folder_is_an_error(tmp_path):
    with pytest.raises(DatasetError, match="There is no folder"):
        choose_defects(tmp_path / "absent", ())
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="holds no images"):
        choose_defects(tmp_path / "empty", ())
