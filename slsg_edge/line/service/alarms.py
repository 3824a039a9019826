"""What a person must see to, each a sentence."""

from collections.abc import Iterable

from slsg_edge.line.service.status import SinkStatus, StationStatus

_SINK_WAITS = 1000  # verdicts


def alarms(
    stations: Iterable[StationStatus],
    sinks: Iterable[SinkStatus],
    troubles: Iterable[str | None],
) -> tuple[str, ...]:
    """troubles: of the disk and of what was refused at the last reload."""
    return (
        *filter(None, troubles),
        *(alarm for station in stations for alarm in _of_station(station)),
        *(alarm for sink in sinks for alarm in _of_sink(sink)),
    )


def _of_station(station: StationStatus) -> Iterable[str]:
    if station.state in ("lost", "failing", "stopped") or not station.ready:
        yield f"{station.name} is {_WORDS.get(station.state, station.state)}: {station.detail}"
    if station.drift:
        yield f"{station.name}: good parts look otherwise than before: {', '.join(station.drift)}"


_WORDS = {
    "lost": "without a picture",
    "failing": "without a verdict",
    "starting": "not ready yet",
}


def _of_sink(sink: SinkStatus) -> Iterable[str]:
    if sink.trouble:
        yield f"{sink.name} takes no verdicts: {sink.trouble} ({sink.waiting} wait)"
    elif sink.waiting > _SINK_WAITS:
        yield f"{sink.name} is behind: {sink.waiting} verdicts wait"
