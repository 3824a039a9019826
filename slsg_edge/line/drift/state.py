"""What a monitor has learned, in a file that outlives a restart."""

import json
import math
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slsg_edge.bounded import read_json
from slsg_edge.line.drift.evidence import BETS, BINS, Evidence

_VERSION = 1
_RECENT = Evidence().recent.maxlen


def stored_state(path: Path, key: str) -> dict[str, Evidence] | None:
    """None where there is none, or one of another calibration, or one that is damaged."""
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError, ArithmeticError):
        table = read_json(path)
        if table["version"] == _VERSION and table["key"] == key:
            return {name: _evidence(each) for name, each in table["quantities"].items()}
    return None


def store_state(path: Path, key: str, quantities: Mapping[str, Evidence]) -> None:
    """OSError where it cannot be written. What a power cut takes is learned again."""
    tables = {name: _table(evidence) for name, evidence in quantities.items()}
    text = json.dumps({"version": _VERSION, "key": key, "quantities": tables}, allow_nan=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text)
    temporary.replace(path)


def _table(evidence: Evidence) -> dict[str, Any]:
    table = {one.name: getattr(evidence, one.name) for one in fields(evidence)}
    table["recent"] = [round(rank, 4) for rank in evidence.recent]
    for name in ("counts", "reference"):
        table[name] = {int(place): int(table[name][place]) for place in np.flatnonzero(table[name])}
    return table


def _evidence(table: Mapping[str, Any]) -> Evidence:
    stakes = [float(stake) for stake in table["stakes"]]
    recent = [float(rank) for rank in table["recent"]]
    if len(stakes) != BETS or not all(map(math.isfinite, stakes + recent)) or min(stakes) < 0:
        raise ValueError("these are no stakes")
    return Evidence(
        learning=int(table["learning"]),
        counts=_counts(table["counts"]),
        reference=_counts(table["reference"]),
        bets=max(0, int(table["bets"])),
        stakes=stakes,
        recent=deque(recent, maxlen=_RECENT),
        crossed=bool(table["crossed"]),
    )


def _counts(table: Mapping[str, int]) -> NDArray[np.int64]:
    counts = np.zeros(BINS, np.int64)
    for place, count in table.items():
        if not 0 <= int(place) < BINS or int(count) < 0:
            raise ValueError("this is no count")
        counts[int(place)] = count
    return counts
