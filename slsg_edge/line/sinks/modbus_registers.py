"""What stands in the registers that a PLC reads: one block for each station, and how to read it.

Numbers here are for PLC programs, so they never change; what is new gets a new one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from slsg_edge.contracts import Outcome, Reason
from slsg_edge.line.outbox.entries import Stored
from slsg_edge.line.service.status import SourceState

BLOCK = 16  # registers of a station
NONE = 0xFFFF  # where there is no score, no threshold, or a reason of a later version

VERDICTS: Mapping[Outcome, int] = {"good": 1, "anomalous": 2, "undecided": 3}
REASONS: Mapping[Reason, int] = {
    "between_thresholds": 1,
    "damaged_frame": 2,
    "detector_failed": 3,
    "frame_size": 4,
    "frozen": 5,
    "no_frame": 6,
    "no_picture": 7,
    "several_pages": 8,
    "stale": 9,
    "too_large": 10,
    "unreadable": 11,
}
STATES: Mapping[SourceState, int] = {
    "starting": 0,
    "ok": 1,
    "idle": 2,
    "lost": 3,
    "failing": 4,
    "ended": 5,
    "stopped": 6,
}
_Name = TypeVar("_Name", bound=str)
HEARTBEAT, STATE = 0, 7  # places in a block


@dataclass(frozen=True, slots=True)
class Block:
    """The registers of one station, as a PLC understands them; `verdict` is None before the first.

    score and threshold are None where there is none.
    """

    heartbeat: int
    verdict: Outcome | None
    score: float | None
    sequence: int
    reason: Reason | None
    threshold: float | None
    state: SourceState | None
    age_ms: int
    latency_ms: int
    durable: bool


def words_of(stored: Stored, heartbeat: int, state: SourceState) -> list[int]:
    """A whole block, so that its registers always belong to one verdict."""
    record = stored.record
    return [
        heartbeat,
        VERDICTS[record.verdict],
        _thousandths(record.score),
        record.sequence >> 16 & 0xFFFF,
        record.sequence & 0xFFFF,
        REASONS.get(record.reason, NONE) if record.reason else 0,
        _thousandths(record.threshold),
        STATES[state],
        _word(record.age_ms),
        _word(sum(ms or 0 for ms in record.latency_ms.values())),
        int(stored.durable),
        *[0] * 5,
    ]


def state_of(stored: Stored) -> SourceState:
    """What a verdict shows of its station, where nobody told more."""
    if stored.record.reason == "detector_failed":
        return "failing"
    return "ok" if stored.record.score is not None else "lost"


def block_of(words: Sequence[int]) -> Block:
    return Block(
        heartbeat=words[HEARTBEAT],
        verdict=_name_of(VERDICTS, words[1]),
        score=_fraction(words[2]),
        sequence=words[3] << 16 | words[4],
        reason=_name_of(REASONS, words[5]),
        threshold=_fraction(words[6]),
        state=_name_of(STATES, words[STATE]),
        age_ms=words[8],
        latency_ms=words[9],
        durable=bool(words[10]),
    )


def _name_of(numbers: Mapping[_Name, int], word: int) -> _Name | None:
    return next((name for name, number in numbers.items() if number == word), None)


def _thousandths(value: float | None) -> int:
    return NONE if value is None else _word(value * 1000)


def _fraction(word: int) -> float | None:
    return None if word == NONE else word / 1000


def _word(value: float) -> int:
    """The largest that a register holds, less one, stands for everything beyond."""
    return min(max(round(value), 0), NONE - 1)
