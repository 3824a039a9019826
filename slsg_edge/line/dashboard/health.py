"""Whether the line lives and is ready, for whoever restarts it or waits for it."""

import time
from collections.abc import Mapping

from slsg_edge.contracts import Json
from slsg_edge.line.service.status import LineStatus, StationStatus
from slsg_edge.line.settings.line import LineSettings, StationSettings

_STUCK = 10.0  # seconds beyond what a station may be silent
_BUSY = ("ok", "lost", "failing")  # each of these gives verdicts, one after the other
_STEADY = ("every_frame", "interval")


def readiness(status: LineStatus) -> tuple[bool, Mapping[str, Json]]:
    """Ready when each station has warmed up and given its golden answers."""
    stations: dict[str, Json] = {
        each.name: {"ready": each.ready, "state": each.state} for each in status.stations
    }
    return status.ready, {"ready": status.ready, "stations": stations}


def liveness(status: LineStatus, settings: LineSettings) -> tuple[bool, Mapping[str, Json]]:
    """Alive while no station has stopped giving verdicts that should give them."""
    known = {each.name: each for each in settings.station}
    stuck: list[Json] = [each.name for each in status.stations if _stuck(each, known)]
    return not stuck, {"live": not stuck, "stuck": stuck}


def _stuck(station: StationStatus, known: Mapping[str, StationSettings]) -> bool:
    """A station that waits for a trigger or for files gives no verdict, and is well."""
    settings = known.get(station.name)
    if settings is None or station.moving is None or station.state not in _BUSY:
        return False
    if settings.trigger.kind not in _STEADY or settings.source.startswith("drop:"):
        return False
    allowed = max(settings.limits.silent_ms, settings.trigger.every_ms, settings.snapshot_ms)
    return time.monotonic() - station.moving > _STUCK + 2 * allowed / 1000
