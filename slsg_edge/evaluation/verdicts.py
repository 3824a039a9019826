"""The judgement on a bundle in words and parts: what it misses, what it rejects, is it ready.

Takes images that were judged, wherever they come from; `eval`, `compare` and the page say the same
of the same images. Undecided images count apart: the line holds such a part back.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal, Protocol, TypeAlias

from slsg_edge.contracts import GOOD, Json, Outcome
from slsg_edge.evaluation.tradeoff import TradeoffRow, Youden, tradeoff_of, youden_of
from slsg_edge.metrics.intervals import Figure, exact_share

State: TypeAlias = Literal["ready", "weak", "not ready", "not tested"]
"""`weak`: more than half of the defects are missed. `not tested`: there was no real defect."""

UNTESTED = "no real defect was tested"
MOST_MISSED = 0.1  # share of the defects that a bundle that is ready misses
MOST_REJECTED = 0.05  # share of the good parts that it rejects
MOST_POSSIBLE = 0.25  # what the interval of neither may reach above
MOST_UNDECIDED = 0.05  # share of the images


class Tested(Protocol):
    """An image that was judged: what it really is, the verdict and the score, where it has them."""

    @property
    def kind(self) -> str: ...
    @property
    def outcome(self) -> Outcome | None: ...
    @property
    def score(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Part:
    """So many of so many images."""

    count: int
    total: int

    @property
    def figure(self) -> Figure | None:
        """The share with its exact 95 % interval; None of no image."""
        return exact_share(self.count, self.total) if self.total else None

    @property
    def share(self) -> float:
        return self.count / self.total if self.total else 0.0

    @property
    def high(self) -> float:
        """What the share may be at most, with a certainty of 97.5 %."""
        return self.figure.high if self.figure else 1.0

    def __str__(self) -> str:
        return f"{self.count} of {self.total}"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a threshold makes of test images.

    misses: defects called good; alarms: good parts called anomalous; None without a threshold.
    undecided: images without a verdict, of all; between: those of them that were inspected and
    score between the two thresholds.
    good, defective: images that have a score.
    kinds: misses by kind of defect, the worst first.
    tradeoff: what other thresholds would do; youden: how well any threshold could do.
    state, reason: the word, and why it is not a better one.
    simulated: the defects were simulated, so no real one was tested.
    """

    misses: Part | None
    alarms: Part | None
    undecided: Part
    good: int
    defective: int
    kinds: tuple[tuple[str, Part], ...]
    tradeoff: tuple[TradeoffRow, ...]
    youden: Youden | None
    state: State
    reason: str
    simulated: bool = False
    between: int = 0

    @property
    def not_inspected(self) -> Part:
        return Part(self.undecided.count - self.between, self.undecided.total)

    @property
    def failed(self) -> bool:
        """Whether real defects show that it finds too little."""
        return self.state == "weak" and not self.simulated

    @property
    def sentence(self) -> str:
        """Both counts, in words."""
        parts = [text for text in (self.missed_text, self.rejected_text) if text]
        return "; ".join(parts) + "." if parts else "No verdicts: there is no threshold."

    @property
    def missed_text(self) -> str:
        """As `95 of 133 defects missed (71 %, 95 % interval 63 to 79 %)`; empty without any."""
        if self.misses is None or not self.misses.total:
            return ""
        return f"{self.misses} {self.defects} missed ({range_text(self.misses, named=True)})"

    @property
    def rejected_text(self) -> str:
        """As `0 of 48 good parts rejected (0 to 7 %)`; empty without any."""
        if self.alarms is None or not self.alarms.total:
            return ""
        named = not self.missed_text
        return f"{self.alarms} good parts rejected ({range_text(self.alarms, named=named)})"

    @property
    def undecided_text(self) -> str:
        """Empty when all have a verdict."""
        if not self.undecided.count:
            return ""
        between = f", {self.between} of them between the two thresholds" if self.between else ""
        return f"{self.undecided} images undecided{between}."

    @property
    def kinds_text(self) -> str:
        """As `crack, 8 of 19; scratch, 1 of 12`."""
        return "; ".join(f"{kind}, {part}" for kind, part in self.kinds)

    @property
    def defects(self) -> str:
        return "simulated anomalies" if self.simulated else "defects"


def judgement_of(
    images: Sequence[Tested], threshold: float | None, *, simulated: bool = False
) -> Judgement:
    """Of images with verdicts by `threshold`; without one only the undecided have a verdict."""
    good, defective = (
        [image for image in images if (image.kind == GOOD) == wanted] for wanted in (True, False)
    )
    misses = alarms = None
    if threshold is not None:
        misses, alarms = _part(defective, "good"), _part(good, "anomalous")
    scores = _scores(good), _scores(defective)
    undecided = [image for image in images if image.outcome == "undecided"]
    blind = Part(sum(image.score is None for image in undecided), len(images))
    state, reason = _state(misses, alarms, blind, len(defective), simulated)
    return Judgement(
        misses,
        alarms,
        Part(len(undecided), len(images)),
        len(scores[0]),
        len(scores[1]),
        () if threshold is None else _kinds(defective),
        tradeoff_of(*scores, threshold),
        youden_of(*scores, threshold),
        state,
        reason,
        simulated,
        len(undecided) - blind.count,
    )


def judgement_summary(judgement: Judgement) -> dict[str, Json]:
    """All of it, for machines."""
    youden = judgement.youden
    return {
        "state": judgement.state,
        "reason": judgement.reason,
        "sentence": judgement.sentence,
        "simulated": judgement.simulated,
        "counts": {
            "misses": _part_summary(judgement.misses),
            "false_alarms": _part_summary(judgement.alarms),
            "undecided": _part_summary(judgement.undecided),
            "between_thresholds": judgement.between,
        },
        "missed_by_kind": [
            {"kind": kind, **(_part_summary(part) or {})} for kind, part in judgement.kinds
        ],
        "tradeoff": [asdict(row) for row in judgement.tradeoff],
        "youden": asdict(youden) if youden else None,
    }


def range_text(part: Part, *, named: bool = False) -> str:
    """The share and its interval, as `71 %, 95 % interval 63 to 79 %`; no share where it is 0."""
    figure = part.figure
    if figure is None:
        return "none tested"
    share = f"{percent(figure.value)} %, " if part.count else ""
    name = "95 % interval " if named else ""
    return f"{share}{name}{percent(figure.low)} to {percent(figure.high)} %"


def percent(share: float) -> str:
    """A whole number, unless that would be 0 or 100 for a share that is neither."""
    if share in (0, 1) or 0.01 <= share < 0.995:
        return f"{100 * share:.0f}"
    if share > 0.5:
        return f"{min(99.9, 100 * share):.1f}"
    return f"{100 * share:.1g}" if share >= 1e-6 else "0.0001"


def _state(
    misses: Part | None, alarms: Part | None, blind: Part, defective: int, simulated: bool
) -> tuple[State, str]:
    """The first that applies; what stands in the way of the line most comes first."""
    if misses is None or alarms is None:
        return "not ready", "it has no threshold, so it gives no verdicts"
    if not defective:
        return "not tested", "no defect was tested"
    if 2 * misses.count > misses.total:
        if simulated:
            return "weak", f"it misses more than half of the simulated anomalies, and {UNTESTED}"
        return "weak", "it misses more than half of the defects"
    if simulated:
        return "not tested", UNTESTED
    faults = [text for text, holds in _faults(misses, alarms, blind) if holds]
    if faults:
        return "not ready", faults[0]
    missed, rejected = percent(MOST_MISSED), percent(MOST_REJECTED)
    return "ready", (
        f"it misses at most {missed} % of the defects and rejects at most {rejected} % of the good "
        "parts, and chance alone does not explain it"
    )


def _faults(misses: Part, alarms: Part, blind: Part) -> Iterable[tuple[str, bool]]:
    """Why a bundle that finds half of the defects is not ready, and whether it holds."""
    yield f"{blind} images were not inspected", blind.share > MOST_UNDECIDED
    yield "none of the defective images was inspected", not misses.total
    many = f"it misses more than {percent(MOST_MISSED)} % of the defects"
    yield many, misses.share > MOST_MISSED
    yield "no good image was tested, so nobody knows what it rejects", not alarms.total
    many = f"it rejects more than {percent(MOST_REJECTED)} % of the good parts"
    yield many, alarms.share > MOST_REJECTED
    few = "so few images say little: it may miss up to"
    yield f"{few} {percent(misses.high)} % of the defects", misses.high > MOST_POSSIBLE
    few = "so few images say little: it may reject up to"
    yield f"{few} {percent(alarms.high)} % of the good parts", alarms.high > MOST_POSSIBLE


def _part(images: Sequence[Tested], outcome: Outcome) -> Part:
    """Of those that have a verdict."""
    decided = [image for image in images if image.outcome in ("good", "anomalous")]
    return Part(sum(image.outcome == outcome for image in decided), len(decided))


def _kinds(defective: Sequence[Tested]) -> tuple[tuple[str, Part], ...]:
    """Those with an image that was inspected."""
    names = Counter(image.kind for image in defective)
    found = [
        (name, _part([each for each in defective if each.kind == name], "good")) for name in names
    ]
    found = [(name, part) for name, part in found if part.total]
    return tuple(sorted(found, key=lambda each: (-each[1].share, -each[1].count, each[0])))


def _scores(images: Sequence[Tested]) -> list[float]:
    return [each.score for each in images if each.score is not None]


def _part_summary(part: Part | None) -> dict[str, Json] | None:
    """Count, total, share and its interval; the last two null of no image."""
    if part is None:
        return None
    figure = part.figure
    return {
        "count": part.count,
        "total": part.total,
        "share": figure.value if figure else None,
        "low": figure.low if figure else None,
        "high": figure.high if figure else None,
    }
