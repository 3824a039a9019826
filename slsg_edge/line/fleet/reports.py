"""What each station says of itself to the whole fleet, as JSON that a broker keeps."""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from slsg_edge.bounded import json_from
from slsg_edge.config import settings_from_table, without_none
from slsg_edge.errors import ConfigError
from slsg_edge.line.deploy.state import DeployState, Ending, fingerprint_in
from slsg_edge.line.deploy.words import standing
from slsg_edge.line.fleet.pulling import Pull
from slsg_edge.line.service.status import StationStatus
from slsg_edge.line.sources.redaction import redacted

VERSION, LEAF = 1, "report"
_LIMIT = 2**16  # bytes
_LONGEST = 500  # characters


@dataclass(frozen=True, slots=True)
class Report:
    """Of one station. bundle: the fingerprint that its verdicts have; released: that the bundle
    was deployed with, empty where line.toml's own runs. last: how the last deployment ended.
    pull: how the last look at the repository did. at: UTC seconds.
    """

    line: str
    station: str
    at: float
    state: str
    ready: bool
    bundle: str = ""
    released: str = ""
    backend: str = ""
    threshold: float | None = None
    drift: tuple[str, ...] = ()
    detail: str = ""
    deployment: str = ""
    last: Ending | None = None
    pull: Pull | None = None
    good: int = 0
    anomalous: int = 0
    undecided: int = 0
    version: int = VERSION


def report_of(
    line: str, status: StationStatus, state: DeployState | None, pull: Pull | None
) -> Report:
    """Nothing in it that must not be read by everybody who may listen to the broker."""
    return Report(
        line=line,
        station=status.name,
        at=time.time(),
        state=status.state,
        ready=status.ready,
        bundle=status.bundle,
        released=fingerprint_in(state.active) if state else "",
        backend=status.backend,
        threshold=status.threshold,
        drift=status.drift,
        detail=redacted(status.detail)[:_LONGEST],
        deployment="" if state is None else redacted(standing(state))[:_LONGEST],
        last=state.last if state else None,
        pull=pull,
        good=status.counts.get("good", 0),
        anomalous=status.counts.get("anomalous", 0),
        undecided=status.counts.get("undecided", 0),
    )


def payload_of(report: Report) -> bytes:
    return json.dumps(asdict(report), allow_nan=False).encode()


def told_of(report: Report) -> Mapping[str, Any]:
    """What is worth a new message: not the time, and not each part."""
    told = asdict(report)
    for name in ("at", "good", "anomalous", "undecided", "deployment"):
        del told[name]
    return told


def report_from(payload: bytes) -> Report:
    """ValueError for what is none of ours."""
    table = json_from(payload, _LIMIT)
    if not isinstance(table, dict) or table.get("version") != VERSION:
        raise ValueError("it is no report of this version")
    try:
        return settings_from_table(Report, without_none(table), LEAF)
    except (ConfigError, TypeError) as error:
        raise ValueError(str(error)) from error
