"""The sinks of a line as `line.toml` names them, and the requests that come through them."""

from collections.abc import Collection
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slsg_edge.line.outbox.delivery import Delivery
from slsg_edge.line.settings.line import LineSettings, StationSettings
from slsg_edge.line.sinks.destinations import Journal
from slsg_edge.line.triggers.mqtt_requests import MqttRequests
from slsg_edge.line.triggers.requests import Requests

if TYPE_CHECKING:
    from slsg_edge.line.sinks.modbus import ModbusDisplay


@dataclass(slots=True)
class Peers:
    """Who may ask a station for a verdict."""

    settings: LineSettings
    stack: ExitStack
    modbus: "dict[str, ModbusDisplay]" = field(default_factory=dict)

    def requests_of(self, station: StationSettings) -> Requests | None:
        """None where nobody asks; `read_line` has seen to it that the sink is there."""
        trigger = station.trigger
        if trigger.kind == "modbus":
            return self.modbus[trigger.sink or next(iter(self.modbus))].requests(trigger.coil)
        if trigger.kind == "mqtt":
            broker = next(each for each in self.settings.mqtt if trigger.sink in ("", each.name))
            asked = MqttRequests(broker, self.settings.name, trigger.topic)
            return self.stack.enter_context(closing(asked)).requests
        return None


def add_sinks(delivery: Delivery, settings: LineSettings, stack: ExitStack) -> Peers:
    """Opens them all; none waits for its peer. MissingDependency for one that needs a package."""
    peers = Peers(settings, stack)
    _add_journals(delivery, settings)
    _add_displays(delivery, settings, peers)
    return peers


def _add_journals(delivery: Delivery, settings: LineSettings) -> None:
    from slsg_edge.line.sinks.mqtt import MqttJournal
    from slsg_edge.line.sinks.rotating_lines import RotatingLines
    from slsg_edge.line.sinks.webhook import WebhookJournal

    journals: list[tuple[str, Journal]] = [
        *(("mqtt", MqttJournal(each, settings.name)) for each in settings.mqtt),
        *(("webhook", WebhookJournal(each)) for each in settings.webhook),
        *(("json_lines", RotatingLines(each, settings.folder)) for each in settings.json_lines),
    ]
    for kind, journal in journals:
        delivery.add_journal(journal, kind, _stations_of(journal.name, settings))


def _add_displays(delivery: Delivery, settings: LineSettings, peers: Peers) -> None:
    from slsg_edge.line.sinks.modbus import ModbusDisplay
    from slsg_edge.line.sinks.opcua import OpcUaDisplay

    names = [station.name for station in settings.station]
    for modbus in settings.modbus:
        display = peers.modbus[modbus.name] = ModbusDisplay(modbus, names)
        delivery.add_display(display, "modbus", _stations_of(modbus.name, settings))
    for opcua in settings.opcua:
        nodes = OpcUaDisplay(opcua, settings.name, names)
        delivery.add_display(nodes, "opcua", _stations_of(opcua.name, settings))


def _stations_of(sink: str, settings: LineSettings) -> Collection[str] | None:
    """None for all of them."""
    chosen = [each.name for each in settings.station if each.sinks is None or sink in each.sinks]
    return None if len(chosen) == len(settings.station) else tuple(chosen)
