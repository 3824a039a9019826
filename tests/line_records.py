"""Records as a station gives them."""

from slsg_edge.line.records import Record, new_id


def record(reason=None, *, station="bottles", score=0.1, index=0, **changes):
    inspected = reason in (None, "between_thresholds")
    verdict = "good" if reason is None else "undecided"
    return Record(
        **{
            "index": index,
            "origin": "test:",
            "captured_at": "2026-01-01T00:00:00.000+00:00",
            "captured_monotonic": 1.0,
            "age_ms": 1.0,
            "verdict": verdict,
            "score": score if inspected else None,
            "threshold": 0.5 if inspected else None,
            "p_value": None,
            "reason": reason,
            "detail": None,
            "latency_ms": {"detect": 1.0, "judge": 0.1},
            "bundle": "0" * 16,
            "id": new_id(),
            "station": station,
        }
        | changes
    )
