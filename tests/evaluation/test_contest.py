from pathlib import Path

import pytest
from scipy.stats import binomtest

from slsg_edge.bench.race import BackendLatency, LatencyComparison
from slsg_edge.contracts import Sample, Verdict
from slsg_edge.evaluation.contest import by_chance, contest_of, contest_summary
from slsg_edge.evaluation.evaluate import Row
from slsg_edge.evaluation.paired import Pair, PairedEvaluation
from slsg_edge.machine.host import machine


def row(kind, wrong, place):
    sample = Sample(Path(f"{place}.png"), "test", kind)
    if wrong is None:
        return Row(sample, None, Verdict("undecided", reason="unreadable"))
    anomalous = (kind == "good") == wrong
    return Row(sample, 0.9 if anomalous else 0.1, Verdict("anomalous" if anomalous else "good"))


def compared(*counts, **options):
    """(kind, wrong for the first, wrong for the second, how many) of each."""
    pairs = [
        Pair(row(kind, first, place), row(kind, second, place))
        for kind, first, second, count in counts
        for place in range(count)
    ]
    return PairedEvaluation(("old", "new"), (0.5, 0.5), tuple(pairs), {}, **options)


def test_what_is_better_leads_with_both_counts_and_what_to_do():
    contest = contest_of(compared(("hole", True, False, 20), ("good", False, False, 48)))
    missed, rejected = contest.lines
    assert (missed.what, missed.change) == ("defects missed", "20 of 20 -> 0 of 20")
    assert (missed.mark, missed.sure, missed.verdict) == ("better", True, "better")
    assert missed.ranges == ("100 %, 83 to 100 %", "0 to 17 %")
    assert (rejected.change, rejected.verdict) == ("0 of 48 -> 0 of 48", "same")
    assert contest.recommendation == "Take new: fewer defects missed (20 of 20 -> 0 of 20)."
    assert (contest.first.state, contest.second.state) == ("weak", "ready")


def test_what_is_worse_is_not_taken():
    contest = contest_of(compared(("hole", False, True, 20), ("good", False, False, 48)))
    assert contest.recommendation.startswith("Keep old: with new, more defects missed (0 of 20")


def test_a_few_images_may_differ_by_chance():
    contest = contest_of(compared(("hole", True, False, 2), ("hole", False, False, 20)))
    (missed,) = contest.lines
    assert missed.verdict == "better, but chance alone may explain it"
    assert "test more first" in contest.recommendation


def test_better_in_one_and_worse_in_the_other_is_for_people_to_weigh():
    contest = contest_of(compared(("hole", True, False, 20), ("good", False, True, 10)))
    assert "new has fewer defects missed (20 of 20 -> 0 of 20) but more good parts rejected" in (
        contest.recommendation
    )
    assert "Weighed alike" not in contest.recommendation  # 1 of all defects, 1 of all good parts
    contest = contest_of(
        compared(("hole", True, False, 20), ("good", False, True, 10), ("good", False, False, 10))
    )
    assert contest.recommendation.endswith("Weighed alike, new is ahead.")


def test_of_equal_ones_the_quicker_is_taken():
    counts = (("hole", False, False, 20), ("good", False, False, 48))
    assert contest_of(compared(*counts)).recommendation.startswith("Keep old")
    backends = BackendLatency("old", 8.0, 9.0, 1.0), BackendLatency("new", 2.0, 3.0, 4.0)
    latency = LatencyComparison(machine(), 40, backends)
    text = contest_of(compared(*counts, latency=latency)).recommendation
    assert text == "Take new: new misses and rejects as many of these images, 4.0 times as fast."


def test_two_weak_ones_stay_weak():
    contest = contest_of(compared(("hole", True, True, 20), ("good", False, True, 3)))
    assert contest.recommendation.endswith("both miss more than half of the defects.")


def test_what_one_cannot_inspect_is_a_line_of_its_own():
    contest = contest_of(compared(("hole", False, None, 10), ("hole", False, False, 10)))
    missed, undecided = contest.lines
    assert missed.change == "0 of 20 -> 0 of 10"
    assert (undecided.what, undecided.change) == ("undecided", "0 of 20 -> 10 of 20")
    assert undecided.verdict == "worse"


@pytest.mark.parametrize(("more", "fewer"), [(0, 0), (1, 0), (5, 0), (6, 0), (9, 2), (3, 3)])
def test_chance_is_that_of_the_sign_test(more, fewer):
    total = more + fewer
    expected = binomtest(more, total).pvalue if total else 1
    assert by_chance(more, fewer) == pytest.approx(expected)


def test_machines_get_both_judgements_and_the_recommendation():
    comparison = compared(("hole", True, False, 20), ("good", False, False, 48), warnings=("w",))
    found = contest_summary(comparison)
    assert [side["state"] for side in found["sides"]] == ["weak", "ready"]
    assert found["verdicts"][0]["mark"] == "better"
    assert found["warnings"] == ["w"]
