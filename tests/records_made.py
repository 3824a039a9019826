"""Records without a camera."""

import time
from typing import Any

from slsg_edge.line.records import Record, new_id


def record(sequence: int = 1, station: str = "left", **others: Any) -> Record:
    values: dict[str, Any] = {
        "index": sequence,
        "origin": "camera",
        "captured_at": "2026-11-30T12:00:00.000+00:00",
        "captured_monotonic": time.monotonic(),
        "age_ms": 1.0,
        "verdict": "good",
        "score": 0.25,
        "threshold": 0.5,
        "p_value": None,
        "reason": None,
        "detail": None,
        "latency_ms": {"detect": 1.0, "judge": 0.1},
        "bundle": "f",
        "id": new_id(),
    }
    return Record(**{**values, "station": station, "sequence": sequence, **others})
