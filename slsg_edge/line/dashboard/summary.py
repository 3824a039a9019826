"""The state of a line as JSON: for the page's script, and for programs.

Nothing in it that must not be read by everybody: no address, and of texts what may be shown.
"""

import math
import time
from collections.abc import Mapping

from slsg_edge.contracts import Json
from slsg_edge.line.records import Record
from slsg_edge.line.service.status import LineStatus, SinkStatus, StationStatus
from slsg_edge.line.sources.redaction import redacted

VERSION = 1  # of what is written here
_LAST = 20


def summary_of(status: LineStatus, trouble: str | None) -> dict[str, Json]:
    """trouble: of the outbox."""
    return {
        "version": VERSION,
        "name": status.name,
        "started": status.started,
        "now": time.time(),
        "ready": status.ready,
        "alarms": [redacted(text) for text in status.alarms],
        "outbox_trouble": trouble and redacted(trouble),
        "pictures_bytes": status.pictures_bytes,
        "disk_free": status.disk_free,
        "stations": [_station(each) for each in status.stations],
        "sinks": [_sink(each) for each in status.sinks],
    }


def _station(station: StationStatus) -> dict[str, Json]:
    return {
        "name": station.name,
        "state": station.state,
        "since": station.since,
        "detail": redacted(station.detail),
        "ready": station.ready,
        "bundle": station.bundle,
        "backend": station.backend,
        "deployment": redacted(station.deployment),
        "threshold": _number(station.threshold),
        "undecided_above": _number(station.undecided_above),
        "counts": dict(station.counts.items()),
        "reasons": dict(station.reasons),
        "skipped": station.skipped,
        "dropped": station.dropped,
        "reconnects": station.reconnects,
        "restarts": station.restarts,
        "late": station.late,
        "drift": list(station.drift),
        "drift_evidence": _numbers(station.drift_evidence),
        "latency_p50": _numbers(station.latency_p50),
        "latency_p95": _numbers(station.latency_p95),
        "seconds_since_verdict": since_verdict(station),
        "newest": verdict_of(station.newest.record) if station.newest else None,
        "picture": station.newest is not None and station.newest.frame.image is not None,
        "last": [verdict_of(record) for record in station.last[:_LAST]],
    }


def since_verdict(station: StationStatus) -> float | None:
    """Seconds, by the monotonic clock."""
    return None if station.moving is None else max(0.0, time.monotonic() - station.moving)


def verdict_of(record: Record) -> dict[str, Json]:
    """What a page shows of a verdict."""
    return {
        "id": record.id,
        "sequence": record.sequence,
        "captured_at": record.captured_at,
        "age_ms": record.age_ms,
        "verdict": record.verdict,
        "score": _number(record.score),
        "threshold": _number(record.threshold),
        "p_value": _number(record.p_value),
        "reason": record.reason,
        "detail": record.detail and redacted(record.detail),
        "drift": list(record.drift),
        "kept": record.image is not None,
    }


def _sink(sink: SinkStatus) -> dict[str, Json]:
    return {
        "name": sink.name,
        "kind": sink.kind,
        "waiting": sink.waiting,
        "taken": sink.taken,
        "failures": sink.failures,
        "trouble": sink.trouble and redacted(sink.trouble),
    }


def _numbers(values: Mapping[str, float]) -> dict[str, Json]:
    return {name: _number(value) for name, value in values.items()}


def _number(value: float | None) -> float | None:
    """JSON knows no infinity."""
    return value if value is not None and math.isfinite(value) else None
