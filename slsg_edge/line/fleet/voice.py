"""A line's own voice on a broker: a report of each station, kept there, and an ear for `update`."""

import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from slsg_edge.line.fleet.reports import LEAF, Report, payload_of, told_of
from slsg_edge.line.mqtt import begin, end, mqtt_client
from slsg_edge.line.settings.sinks import MqttSettings
from slsg_edge.line.sinks.mqtt import level

_AGAIN = 60.0  # seconds after which a report is sent though nothing changed
_SOONEST = 2.0  # seconds between two looks


class Voice:
    """Of one broker. asked: set by each message on TOPIC/LINE/update, whatever it says."""

    def __init__(self, settings: MqttSettings, line: str, asked: threading.Event | None) -> None:
        """ConfigError for settings that cannot work. asked: None where nobody may ask."""
        self._base = f"{settings.topic}/{level(line)}"
        self._asked = asked
        self._told: dict[str, tuple[Mapping[str, Any], float]] = {}
        self._anew = threading.Event()
        self._client = mqtt_client(
            settings, f"{level(line)}-{level(settings.name)}-fleet", clean=True
        )
        self._client.on_connect = self._on_connected
        self._client.on_message = self._on_message
        begin(self._client, settings)
        self._looked = 0.0

    def say(self, reports: Iterable[Report]) -> None:
        """Whatever is new; called often."""
        if self._anew.is_set():
            self._anew.clear()
            self._told.clear()
        if not self._client.is_connected():
            return
        for report in reports:
            told, now = told_of(report), time.monotonic()
            known = self._told.get(report.station)
            if known is None or known[0] != told or now - known[1] >= _AGAIN:
                topic = f"{self._base}/{level(report.station)}/{LEAF}"
                self._client.publish(topic, payload_of(report), qos=1, retain=True)
                self._told[report.station] = told, now

    @property
    def due(self) -> bool:
        """Not at each of the line's looks."""
        now = time.monotonic()
        if now - self._looked < _SOONEST:
            return False
        self._looked = now
        return True

    def close(self) -> None:
        end(self._client)

    def _on_connected(self, client: Any, _: Any, __: Any, reason: Any, *___: Any) -> None:
        if reason.is_failure:
            return
        self._anew.set()
        if self._asked is not None:
            with suppress(Exception):
                client.subscribe(f"{self._base}/update", qos=1)

    def _on_message(self, _: Any, __: Any, message: Any) -> None:
        """One that the broker kept is not a wish of this moment."""
        if self._asked is not None and not message.retain:
            self._asked.set()
