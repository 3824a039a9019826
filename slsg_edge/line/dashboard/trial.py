"""What another threshold would have made of the last parts, before anybody changes it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from slsg_edge.contracts import Outcome
from slsg_edge.line.dashboard.door import Verdicts
from slsg_edge.line.records import Record
from slsg_edge.line.service.status import StationStatus
from slsg_edge.scoring import Threshold, outcome_of

PARTS = 1000
_BACK = 3000  # verdicts of each station that are looked through for them


@dataclass(frozen=True, slots=True)
class Effect:
    """Of `parts` inspected ones. now, then: by outcome. stricter: how many good ones would no
    longer be; milder: how many would newly be. value: as it was asked for.
    """

    value: float
    parts: int
    now: Counter[Outcome]
    then: Counter[Outcome]
    stricter: int
    milder: int


def effect_of(
    value: float, threshold: float, undecided_above: float | None, scores: Sequence[float]
) -> Effect:
    """ConfigError for a value that is no threshold."""
    old, new = _threshold(threshold, undecided_above), _threshold(value, undecided_above)
    now = [outcome_of(score, old)[0] for score in scores]
    then = [outcome_of(score, new)[0] for score in scores]
    pairs = list(zip(now, then, strict=True))
    return Effect(
        value,
        len(scores),
        Counter(now),
        Counter(then),
        sum(before == "good" != after for before, after in pairs),
        sum(before != "good" == after for before, after in pairs),
    )


def last_scores(station: StationStatus, verdicts: Verdicts, stations: int) -> list[float]:
    """Of the last 1,000 inspected parts, also of those before the line was started again.

    stations: of the line, which share the outbox.
    """
    if len(station.scores) >= PARTS:
        return list(station.scores[-PARTS:])
    stored = last_records(station, verdicts, stations)
    found = [record.score for record in stored if record.score is not None][-PARTS:]
    return found if len(found) > len(station.scores) else list(station.scores)


def last_records(station: StationStatus, verdicts: Verdicts, stations: int) -> list[Record]:
    """In order, as far as a bounded look back finds them."""
    span = _BACK * max(1, stations)
    stored = verdicts.after(max(0, verdicts.last_position - span), span, {station.name})
    return [each.record for each in stored]


def _threshold(value: float, undecided_above: float | None) -> Threshold:
    begins = None if undecided_above is None else min(undecided_above, value)
    return Threshold(value, "manual", undecided_above=begins)
