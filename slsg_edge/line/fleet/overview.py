"""All stations that report to a broker, as it keeps them."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from slsg_edge.errors import StorageError
from slsg_edge.line.fleet.reports import LEAF, Report, report_from
from slsg_edge.line.mqtt import begin, end, mqtt_client
from slsg_edge.line.records import new_id
from slsg_edge.line.settings.sinks import MqttSettings
from slsg_edge.line.sinks.mqtt import level

_SILENT = 0.7  # seconds without another message: the broker has said all that it keeps
_POLL = 0.05  # seconds


@dataclass(frozen=True, slots=True)
class Known:
    """A station's report, and whether its line is connected; None where that is not said."""

    report: Report
    online: bool | None


def fleet(settings: MqttSettings, patience: float) -> Sequence[Known]:
    """Sorted by line and station; StorageError where the broker does not answer in time."""
    reports: dict[str, Report] = {}
    states: dict[str, bool] = {}
    heard = [0.0]

    def connected(client: Any, *_: Any) -> None:
        heard[0] = time.monotonic()
        client.subscribe([(f"{settings.topic}/+/+/{LEAF}", 1), (f"{settings.topic}/+/state", 1)])

    def came(_: Any, __: Any, message: Any) -> None:
        heard[0] = time.monotonic()
        if message.topic.endswith("/state"):
            states[message.topic.split("/")[-2]] = message.payload == b"online"
            return
        with suppress(ValueError):  # somebody else's
            reports[message.topic] = report_from(message.payload)

    client = mqtt_client(settings, f"slsg-edge-fleet-{new_id()[-12:]}", clean=True)
    client.on_connect, client.on_message = connected, came
    begin(client, settings)
    try:
        _wait(heard, patience, settings)
    finally:
        end(client)
    known = [Known(each, states.get(level(each.line))) for each in reports.values()]
    return sorted(known, key=lambda each: (each.report.line, each.report.station))


def _wait(heard: Sequence[float], patience: float, settings: MqttSettings) -> None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if heard[0] and time.monotonic() - heard[0] > _SILENT:
            return
        time.sleep(_POLL)
    if not heard[0]:
        raise StorageError(
            f"The broker {settings.host}:{settings.port} does not answer.",
            fix="Check its address and that it runs, and give user and TLS with a line.toml.",
        )
