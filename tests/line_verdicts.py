"""Verdicts as an outbox hands them to sinks."""

import time

from slsg_edge.contracts import Outcome, Reason
from slsg_edge.line.outbox.entries import Stored
from slsg_edge.line.records import Record, new_id


def record(
    station: str = "one",
    sequence: int = 1,
    verdict: Outcome = "good",
    reason: Reason | None = None,
    captured: float | None = None,
) -> Record:
    inspected = reason in (None, "between_thresholds")
    return Record(
        index=sequence,
        origin="camera",
        captured_at="2026-11-30T12:00:00.000+00:00",
        captured_monotonic=round(time.monotonic() if captured is None else captured, 6),
        age_ms=12.4,
        verdict=verdict,
        score=0.1234 if inspected else None,
        threshold=0.5 if inspected else None,
        p_value=None,
        reason=reason,
        detail=None,
        latency_ms={"detect": 20.2, "judge": 0.9},
        bundle="f1" * 8,
        id=new_id(),
        station=station,
        sequence=sequence,
    )


def stored(*arguments: object, durable: bool = True, **others: object) -> Stored:
    made = record(*arguments, **others)  # type: ignore[arg-type]
    return Stored(made.sequence, made, durable)
