"""The keys of `line.toml` for what takes verdicts: one dataclass for each kind."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from slsg_edge.line.settings.setting import PLAIN, setting

TOPIC = r"[^+#\s/\x00]+(/[^+#\s/\x00]+)*"
"""Of a topic without a wildcard and without an empty level."""
Payload: TypeAlias = Literal["json", "sparkplug"]


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """A broker: QoS 1, a session that outlives an outage, a will that says `offline`."""

    name: str = setting(
        "Of this sink; the client id is made of it and the line's name.", "mqtt", pattern=PLAIN
    )
    host: str = setting("Of the broker.", "127.0.0.1")
    port: int = setting("1883, or 8883 with TLS.", 1883, least=1, most=65535)
    topic: str = setting(
        "Verdicts go to TOPIC/LINE/STATION/verdict, the state to TOPIC/LINE/state.",
        "slsg-edge",
        pattern=TOPIC,
    )
    user: str = setting("${NAME} or @FILE may be given.", "")
    password: str = setting("${NAME} or @FILE.", "")
    tls: bool = setting("Whether the connection is encrypted.", False)
    ca_file: Path | None = setting("Certificates to trust; without it the system's.", None)
    certificate: Path | None = setting("This client's certificate.", None)
    key_file: Path | None = setting("The key of that certificate.", None)
    payload: Payload = setting("json, or sparkplug for Sparkplug B.", "json")
    largest: int = setting(
        "Bytes of one message; what is larger goes without its detail.", 65536, least=1024
    )


@dataclass(frozen=True, slots=True)
class ModbusSettings:
    """A Modbus TCP server. Each station has a block of 16 holding registers."""

    name: str = setting("Of this sink.", "modbus", pattern=PLAIN)
    host: str = setting(
        "The address to listen on; 127.0.0.1 lets this PC alone in, 0.0.0.0 every other.",
        "127.0.0.1",
    )
    port: int = setting(
        "The port to listen on; 502 needs the right to open it.", 5020, least=0, most=65535
    )
    unit: int = setting("The unit (slave) identifier.", 1, least=0, most=255)


@dataclass(frozen=True, slots=True)
class OpcUaSettings:
    """An OPC UA server with nodes after OPC 40100-1 (machine vision)."""

    name: str = setting("Of this sink.", "opcua", pattern=PLAIN)
    host: str = setting(
        "The address to listen on; 127.0.0.1 lets this PC alone in, 0.0.0.0 every other.",
        "127.0.0.1",
    )
    port: int = setting("The port to listen on.", 4840, least=0, most=65535)


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """A URL that gets each verdict as JSON, in order, until it answers 2xx."""

    name: str = setting("Of this sink.", "webhook", pattern=PLAIN)
    url: str = setting("https://…; ${NAME} or @FILE may be given.", "")
    bearer: str = setting("Sent as Authorization: Bearer …: ${NAME} or @FILE.", "")
    timeout_s: float = setting("Seconds for one answer.", 5.0, least=0.1, most=25)
    batch: int = setting(
        "Verdicts in one request; 1 posts an object, more post a list.", 1, least=1, most=10000
    )


@dataclass(frozen=True, slots=True)
class JsonLinesSettings:
    """A file of JSON Lines that begins anew when it is large."""

    name: str = setting("Of this sink.", "json_lines", pattern=PLAIN)
    path: Path = setting(
        "Of the file; in the folder of the line if it is no absolute path.", Path("verdicts.jsonl")
    )
    megabytes: int = setting("At this size it is put aside as PATH.1, PATH.2, …", 100, least=1)
    files: int = setting("How many of those are kept.", 5, least=1)
