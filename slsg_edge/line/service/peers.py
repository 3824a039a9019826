"""The sinks of a line as `line.toml` names them, and the requests that come through them."""

from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from slsg_edge.line.outbox.delivery import Delivery
from slsg_edge.line.settings.line import LineSettings, StationSettings, TriggerSettings
from slsg_edge.line.sinks.destinations import Journal
from slsg_edge.line.triggers.mqtt_requests import MqttRequests
from slsg_edge.line.triggers.requests import Requests

if TYPE_CHECKING:
    from slsg_edge.line.service.status import SourceState
    from slsg_edge.line.sinks.modbus import ModbusDisplay
    from slsg_edge.line.sinks.opcua import OpcUaDisplay


class Peers:
    """Whoever asks stations for verdicts, and the servers that say how stations are doing."""

    def __init__(self, settings: LineSettings, stack: ExitStack) -> None:
        self._settings, self._stack = settings, stack
        self._asked: dict[str, tuple[TriggerSettings, Requests | None]] = {}
        self.modbus: dict[str, ModbusDisplay] = {}
        self.opcua: list[OpcUaDisplay] = []

    def say_states(self, states: "Callable[[], Mapping[str, SourceState]]") -> None:
        for modbus in self.modbus.values():
            modbus.states = states
        for opcua in self.opcua:
            opcua.states = states

    def name_recipe(self, station: str, name: str) -> None:
        """What people call the bundle that the station runs."""
        for display in self.opcua:
            display.name_recipe(station, name)

    def requests_of(self, station: StationSettings) -> Requests | None:
        """None where nobody asks. The same ones as long as the trigger is the same."""
        known = self._asked.get(station.name)
        if known is None or known[0] != station.trigger:
            known = station.trigger, self._requests_through(station.trigger)
            self._asked[station.name] = known
        return known[1]

    def _requests_through(self, trigger: TriggerSettings) -> Requests | None:
        """`read_line` has seen to it that the sink is there."""
        if trigger.kind == "modbus":
            return self.modbus[trigger.sink or next(iter(self.modbus))].requests(trigger.coil)
        if trigger.kind == "mqtt":
            brokers = self._settings.mqtt
            broker = next(each for each in brokers if trigger.sink in ("", each.name))
            asked = MqttRequests(broker, self._settings.name, trigger.topic)
            return self._stack.enter_context(closing(asked)).requests
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
        peers.opcua.append(nodes)
        delivery.add_display(nodes, "opcua", _stations_of(opcua.name, settings))


def _stations_of(sink: str, settings: LineSettings) -> Collection[str] | None:
    """None for all of them."""
    chosen = [each.name for each in settings.station if each.sinks is None or sink in each.sinks]
    return None if len(chosen) == len(settings.station) else tuple(chosen)
