from typing import NamedTuple

import pytest

from slsg_edge.contracts import Outcome
from slsg_edge.evaluation.tradeoff import TradeoffRow, between, tradeoff_of, youden_of
from slsg_edge.evaluation.verdicts import Part, judgement_of, judgement_summary, percent


class Seen(NamedTuple):
    kind: str
    outcome: Outcome | None
    score: float | None


def seen(kind, *scores, threshold=0.5):
    """None is an image that was not inspected."""
    return [
        Seen(kind, "undecided", None)
        if score is None
        else Seen(kind, "anomalous" if score > threshold else "good", score)
        for score in scores
    ]


def judged(good, found, missed, kind="hole", **options):
    images = [*seen("good", *[0.1] * good), *seen(kind, *[0.9] * found, *[0.2] * missed)]
    return judgement_of(images, 0.5, **options)


def test_the_sentence_has_both_counts_with_exact_intervals():
    found = judged(good=48, found=38, missed=95)
    assert found.sentence == (
        "95 of 133 defects missed (71 %, 95 % interval 63 to 79 %); "
        "0 of 48 good parts rejected (0 to 7 %)."
    )
    assert (found.state, found.failed) == ("weak", True)


@pytest.mark.parametrize(
    ("share", "text"),
    [
        *((0, "0"), (1, "100"), (0.714, "71"), (0.005, "0.5"), (0.0099, "1"), (0.004, "0.4")),
        *((0.00021, "0.02"), (0.9996, "99.9"), (0.994, "99"), (0.9951, "99.5")),
    ],
)
def test_a_share_is_a_whole_number_but_never_0_or_100_when_it_is_neither(share, text):
    assert percent(share) == text


@pytest.mark.parametrize(
    ("images", "state", "reason"),
    [
        ({"good": 48, "found": 66, "missed": 67}, "weak", "more than half of the defects"),
        ({"good": 48, "found": 66, "missed": 66}, "not ready", "more than 10 % of the defects"),
        ({"good": 48, "found": 54, "missed": 6}, "ready", "at most 10 % of the defects"),
        ({"good": 48, "found": 3, "missed": 0}, "not ready", "it may miss up to 71 %"),
        ({"good": 3, "found": 60, "missed": 0}, "not ready", "it may reject up to 71 %"),
        ({"good": 0, "found": 60, "missed": 0}, "not ready", "no good image was tested"),
        ({"good": 48, "found": 0, "missed": 0}, "not tested", "no defect was tested"),
    ],
)
def test_the_word_says_what_the_counts_show(images, state, reason):
    found = judged(**images)
    assert found.state == state
    assert reason in found.reason
    assert found.failed == (state == "weak")


def test_false_alarms_stand_in_the_way_too():
    images = [*seen("good", *[0.1] * 40, *[0.8] * 3), *seen("hole", *[0.9] * 50)]
    found = judgement_of(images, 0.5)
    assert (found.state, str(found.alarms)) == ("not ready", "3 of 43")
    assert "rejects more than 5 % of the good parts" in found.reason


def test_what_was_not_inspected_counts_apart_and_is_not_ready():
    images = [*seen("good", *[0.1] * 40, None), *seen("hole", *[0.9] * 40, None, None, None, None)]
    found = judgement_of(images, 0.5)
    assert (str(found.misses), str(found.alarms)) == ("0 of 40", "0 of 40")
    assert found.undecided_text == "5 of 85 images undecided."
    assert (found.state, found.reason) == ("not ready", "5 of 85 images were not inspected")


def test_what_lies_between_the_thresholds_is_undecided_but_was_inspected():
    between = [Seen("good", "undecided", 0.4)] * 4 + [Seen("hole", "undecided", 0.45)] * 10
    images = [*seen("good", *[0.1] * 40, None), *seen("hole", *[0.9] * 40), *between]
    found = judgement_of(images, 0.5)
    assert (
        found.undecided_text == "15 of 95 images undecided, 14 of them between the two thresholds."
    )
    assert (str(found.not_inspected), found.between) == ("1 of 95", 14)
    assert (str(found.misses), str(found.alarms)) == ("0 of 40", "0 of 40")
    assert found.state == "ready"
    # another threshold would judge them
    assert (found.good, found.defective) == (44, 50)
    assert tradeoff_of([0.1] * 40 + [0.4] * 4, [0.9] * 40 + [0.45] * 10, 0.5) == found.tradeoff
    assert judgement_summary(found)["counts"]["between_thresholds"] == 14


def test_defects_that_were_never_inspected_make_nothing_ready():
    images = [*seen("good", *[0.1] * 100), *seen("hole", None)]
    found = judgement_of(images, 0.5)
    assert (found.state, found.failed) == ("not ready", False)
    assert "none of the defective images" in found.reason


def test_simulated_anomalies_never_make_a_bundle_ready_nor_fail_it():
    found = judged(good=48, found=60, missed=0, simulated=True)
    assert (found.state, found.reason) == ("not tested", "no real defect was tested")
    assert "0 of 60 simulated anomalies missed" in found.sentence
    found = judged(good=48, found=10, missed=50, simulated=True)
    assert (found.state, found.failed) == ("weak", False)
    assert found.reason.endswith("simulated anomalies, and no real defect was tested")


def test_without_a_threshold_there_are_no_counts_and_still_a_trade_off():
    images = [Seen("good", None, 0.1), Seen("hole", None, 0.9)]
    found = judgement_of(images, None)
    assert (found.misses, found.state, found.failed) == (None, "not ready", False)
    assert [(row.rejected, row.missed, row.own) for row in found.tradeoff] == [(0, 0, False)]
    assert found.youden.at_threshold is None
    assert found.youden.best == 1


def test_kinds_come_worst_first():
    images = [
        *seen("crack", 0.2, 0.3, 0.9),
        *seen("dent", 0.9),
        *seen("bent", 0.1),
        *seen("blind", None),
    ]
    found = judgement_of(images, 0.5)
    assert found.kinds == (("bent", Part(1, 1)), ("crack", Part(2, 3)), ("dent", Part(0, 1)))
    assert found.kinds_text == "bent, 1 of 1; crack, 2 of 3; dent, 0 of 1"


GOOD = [0.1, 0.2, 0.3, 0.3, 0.4, 0.6]
DEFECTIVE = [0.05, 0.25, 0.35, 0.45, 0.7, 0.8]


def test_each_row_of_the_trade_off_is_what_its_threshold_does():
    rows = tradeoff_of(GOOD, DEFECTIVE, 0.75)
    for row in rows:
        assert row.rejected == sum(score > row.threshold for score in GOOD)
        assert row.missed == sum(score <= row.threshold for score in DEFECTIVE)
    assert [(row.rejected, row.missed, row.own) for row in rows] == [
        *((0, 5, True), (0, 4, False), (1, 3, False), (2, 2, False)),
    ]


def test_a_row_like_the_bundles_own_is_the_bundles():
    (first, *_) = tradeoff_of(GOOD, DEFECTIVE, 0.65)
    assert first == TradeoffRow(0, 4, 0.65, own=True)


def test_equal_good_scores_are_rejected_together():
    rows = tradeoff_of([0.1, 0.1, 0.9, 0.9], [0.5, 0.95], None)
    assert [(row.rejected, row.missed) for row in rows] == [(0, 1), (2, 0)]


def test_more_rejects_than_it_takes_to_miss_nothing_are_not_listed():
    rows = tradeoff_of([0.1, 0.2, 0.3, 0.4], [0.35, 0.9], 0.15)
    assert [(row.rejected, row.missed, row.own) for row in rows] == [
        *((0, 1, False), (1, 0, False), (3, 0, True)),
    ]


def test_above_all_scores_the_threshold_stays_near_them():
    (first, *_) = tradeoff_of([0.1, 0.2], [0.1], None)
    assert (first.rejected, first.missed) == (0, 1)
    assert 0.2 <= first.threshold < 0.22


def test_a_good_score_of_1_is_rejected_by_every_threshold():
    rows = tradeoff_of([0.1, 1.0], [0.5, 1.0], None)
    assert [(row.rejected, row.missed) for row in rows] == [(1, 0)]
    assert all(row.threshold < 1 for row in rows)


def test_youdens_j_is_the_best_of_all_thresholds():
    found = youden_of(GOOD, DEFECTIVE, 0.65)
    assert found.at_threshold == pytest.approx(2 / 6)

    def youden(threshold):
        missed = sum(score <= threshold for score in DEFECTIVE)
        return 1 - missed / 6 - sum(score > threshold for score in GOOD) / 6

    assert found.best == pytest.approx(max(map(youden, [0.0, *GOOD, *DEFECTIVE])))
    assert youden(found.best_threshold) == pytest.approx(found.best)


@pytest.mark.parametrize("pair", [(0.1, 0.2), (0.99999991, 0.99999992), (0.0, 1e-9), (0.3, 0.3)])
def test_a_short_number_between_two_scores_tells_them_apart(pair):
    lower, higher = pair
    found = between(lower, higher)
    assert lower <= found
    assert found < higher or lower == higher


def test_machines_get_counts_intervals_state_trade_off_and_j():
    found = judgement_summary(judged(good=48, found=38, missed=95))
    assert found["state"] == "weak"
    misses = found["counts"]["misses"]
    assert (misses["count"], misses["total"]) == (95, 133)
    assert misses["low"] == pytest.approx(0.6295, abs=1e-3)
    assert misses["high"] == pytest.approx(0.7893, abs=1e-3)
    assert found["tradeoff"][0] == {"rejected": 0, "missed": 95, "threshold": 0.5, "own": True}
    assert found["youden"]["at_threshold"] == pytest.approx(38 / 133)
    assert found["missed_by_kind"][0]["kind"] == "hole"
