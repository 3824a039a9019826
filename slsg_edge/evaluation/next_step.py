"""The one action that helps a bundle most after it was judged, with the exact command.

A false-alarm rate is proposed only where the bundle's own good scores can settle it, as its
operating points say, and with what it would do to the same test images.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from slsg_edge.bundle.commands import number_text
from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.good_scores import good_scores_of, has_good_scores
from slsg_edge.bundle.thresholds import calibration_command, judging_threshold_name
from slsg_edge.calibration.operating_points import acquired_scores, point_at
from slsg_edge.calibration.threshold import (
    FEWEST_IMAGES,
    LOOSEST_RATE,
    images_needed,
    shown_rate,
    threshold_from_scores,
)
from slsg_edge.contracts import GOOD
from slsg_edge.evaluation.tradeoff import errors_at
from slsg_edge.evaluation.verdicts import (
    MOST_MISSED,
    MOST_POSSIBLE,
    MOST_REJECTED,
    MOST_UNDECIDED,
    Judgement,
    Part,
    Tested,
)
from slsg_edge.scoring import Threshold

RATES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
MUCH_BETTER = 0.1  # by Youden's J, from which another threshold is worth the while
NEARLY_ONE = 1 - 1e-5  # no score of a part lies reliably above


@dataclass(frozen=True, slots=True)
class Step:
    """What to do, and the command that does it where there is one."""

    text: str
    command: str | None = None

    def __str__(self) -> str:
        return f"{self.text}: {self.command}" if self.command else f"{self.text}."


@dataclass(frozen=True, slots=True)
class Setup:
    """What was judged: the bundle, its backend, its threshold, and the data set."""

    bundle: Bundle
    backend: str
    threshold: Threshold | None
    data: Path

    def calibrate(self, *options: str) -> str:
        """The command for the threshold that judged."""
        name = judging_threshold_name(self.bundle, self.backend)
        words = ["slsg-edge", "calibrate", str(self.bundle.path), *options]
        return shlex.join([*words, "--backend", name] if name else words)

    def calibrate_for(self, rate: float) -> str:
        """The command for this false-alarm rate, from images like those of the threshold there is.

        Without images where training left the scores of all of them.
        """
        wanted = ("--false-alarms", number_text(rate))
        return self.calibrate(*([] if self._keeps_scores() else ["--images", "DIR"]), *wanted)

    def _keeps_scores(self) -> bool:
        if judging_threshold_name(self.bundle, self.backend) or not has_good_scores(self.bundle):
            return False
        kept = {each.image for each in good_scores_of(self.bundle).good}
        return kept.issuperset(self.threshold.images if self.threshold else ())


def next_step(judgement: Judgement, images: Sequence[Tested], setup: Setup) -> Step:
    """The first that applies, in the order in which it would help."""
    misses, alarms = judgement.misses, judgement.alarms
    if misses is None or alarms is None:
        name = judging_threshold_name(setup.bundle, setup.backend)
        return Step("Find its threshold", calibration_command(setup.bundle, name))
    if judgement.not_inspected.share > MOST_UNDECIDED:
        return Step("See in the notes why images were not inspected, and put that right")
    if misses.share > MOST_MISSED:
        return _find_more(judgement, images, setup)
    if alarms.share > MOST_REJECTED:
        return Step(
            "Find the threshold anew from more good images, taken as these were",
            setup.calibrate("--images", "DIR"),
        )
    if judgement.simulated or not misses.total or not alarms.total:
        return Step(_collect(misses, alarms, judgement.simulated))
    if max(misses.high, alarms.high) > MOST_POSSIBLE:
        return Step(_test_more(misses, alarms))
    watch = shlex.join(["slsg-edge", "watch", str(setup.bundle.path), "SOURCE"])
    return Step("Let it watch the line beside the inspection you have", watch)


def threshold_text(threshold: Threshold) -> str:
    """What it is and how sure, as `0.98, set from 15 good images for 1 false alarm in 1000`."""
    scores, rate = threshold.good_scores, threshold.false_alarm_rate
    by_hand = "set by hand" if threshold.method == "manual" else ""
    parts = [f"{threshold.value:.4g}"]
    parts.append(by_hand or f"set from {len(scores)} good images")
    if rate and not by_hand:
        parts[-1] += f" for 1 false alarm in {1 / rate:.0f}"
    if threshold.interval:
        low, high = threshold.interval
        parts.append(f"90 % interval {low:.4g} to {high:.4g}")
    return ", ".join(parts)


def threshold_warning(threshold: Threshold, images: Sequence[Tested]) -> str | None:
    """What its interval means for these images; None where it means little."""
    if threshold.interval is None:
        return None
    low, high = threshold.interval
    scores = [each.score for each in images if each.kind != GOOD and each.score is not None]
    inside = sum(low <= score <= high for score in scores)
    count = len(threshold.good_scores)
    if high >= NEARLY_ONE:
        return (
            f"The interval of the threshold reaches 1: {count} good images do not settle it. Set "
            f"from {count} others it might lie above {inside} of these {len(scores)} defects: more "
            "good images help."
        )
    if scores and inside >= len(scores) / 4:
        return (
            f"The interval of the threshold spans {inside} of {len(scores)} defects: whether they "
            f"are found depends on which {count} good images it was set from."
        )
    return None


def _find_more(judgement: Judgement, images: Sequence[Tested], setup: Setup) -> Step:
    found = _best_rate(judgement, images, setup.threshold)
    if found:
        rate, missed, rejected = found
        return Step(
            f"Allow more false alarms ({100 * rate:.3g} %): of these images it would then miss "
            f"{missed} {judgement.defects} and reject {rejected} good parts",
            setup.calibrate_for(rate),
        )
    scores = setup.threshold.good_scores if setup.threshold else ()
    youden = judgement.youden
    if (
        len(scores) < FEWEST_IMAGES
        and youden
        and youden.best > (youden.at_threshold or 0) + MUCH_BETTER
    ):
        return Step(
            "Find the threshold from good images, for more false alarms",
            setup.calibrate_for(LOOSEST_RATE),
        )
    new = setup.bundle.path.with_name(f"{setup.bundle.path.stem}-new.slsg")
    train = ["slsg-edge", "train", str(setup.data), "-o", str(new), "--detector", "auto"]
    return Step(
        "Train another detector, as no false-alarm rate up to 10 % helps this one",
        shlex.join(train),
    )


def _best_rate(
    judgement: Judgement, images: Sequence[Tested], threshold: Threshold | None
) -> tuple[float, Part, Part] | None:
    """The false-alarm rate that parts good and defective best of those that its good scores can
    settle, with what it would miss and reject; None where none is better than now, and none that
    still misses too much is much better.
    """
    if threshold is None or len(threshold.good_scores) < FEWEST_IMAGES or not judgement.youden:
        return None
    good, defective = (_scores(images, wanted) for wanted in (True, False))
    now = judgement.youden.at_threshold or 0.0
    best, found = now, None
    for rate, value in _settled(threshold):
        rejected, missed = errors_at(good, defective, value)
        youden = 1 - missed / len(defective) - rejected / len(good)
        few = missed <= MOST_MISSED * len(defective)
        better = youden > best and (few or youden > now + MUCH_BETTER)
        if value < threshold.value and better and rejected <= max(RATES) * len(good):
            best = youden
            found = rate, Part(missed, len(defective)), Part(rejected, len(good))
    return found


def _settled(threshold: Threshold) -> list[tuple[float, float]]:
    """False-alarm rates that its good scores can settle, the strictest first, with the threshold
    of each: its operating points, where it has some, and the loosest of RATES.
    """
    scores, loosest = threshold.good_scores, max(RATES)
    if threshold.points:
        last = point_at(acquired_scores(threshold), threshold.simulated, loosest)
        points = {each.false_alarm_rate: each.threshold for each in (last, *threshold.points)}
        shown = [rate for rate in sorted(points) if images_needed(rate) <= len(scores)]
        return [(rate, points[rate]) for rate in shown if rate <= loosest]
    smallest = shown_rate(len(scores))
    rates = sorted(rate for rate in {*RATES, smallest} if smallest <= rate <= loosest)
    return [(rate, threshold_from_scores(scores, rate).value) for rate in rates]


def _scores(images: Sequence[Tested], good: bool) -> list[float]:
    """Ascending, of those that were inspected."""
    return sorted(
        each.score for each in images if (each.kind == GOOD) == good and each.score is not None
    )


def _collect(misses: Part, alarms: Part, simulated: bool) -> str:
    if simulated or not misses.total:
        return (
            "Beside train/good, where the good pictures belong, put pictures of defective parts in "
            "test/KIND, of each kind of defect, and test again"
        )
    return "Put pictures of good parts that were not trained on in test/good, and test again"


def _test_more(misses: Part, alarms: Part) -> str:
    return (
        f"Test more images: {_enough(misses)} defective and {_enough(alarms)} good ones would "
        "settle it if they come out as these did"
    )


def _enough(part: Part) -> int:
    """How many images of the same share have an interval that stays below MOST_POSSIBLE."""
    total = part.total
    while Part(round(part.share * total), total).high > MOST_POSSIBLE:
        total += 1
    return total
