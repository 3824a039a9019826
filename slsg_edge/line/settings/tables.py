"""What the tables of `line.toml` are called in messages, and which of them are sinks."""

from collections.abc import Mapping
from typing import TypeAlias

from slsg_edge.line.settings.line import LineSettings
from slsg_edge.line.settings.sinks import (
    JsonLinesSettings,
    ModbusSettings,
    MqttSettings,
    OpcUaSettings,
    WebhookSettings,
)

SinkSettings: TypeAlias = (
    MqttSettings | ModbusSettings | OpcUaSettings | WebhookSettings | JsonLinesSettings
)


def table_name(file: str, key: str, name: object, number: int) -> str:
    """`line.toml [station "bottles"]`, or by its number where it has no name."""
    named = isinstance(name, str) and name.isprintable() and 0 < len(name) <= 64
    return f'{file} [{key} "{name}"]' if named else f"{file} [{key} {number}]"


def sinks_of(settings: LineSettings) -> list[tuple[str, SinkSettings]]:
    """Each sink with its kind, as the table is called, in the order of the settings."""
    kinds: Mapping[str, tuple[SinkSettings, ...]] = {
        "mqtt": settings.mqtt,
        "modbus": settings.modbus,
        "opcua": settings.opcua,
        "webhook": settings.webhook,
        "json_lines": settings.json_lines,
    }
    return [(kind, sink) for kind, sinks in kinds.items() for sink in sinks]
