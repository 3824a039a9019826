"""The keys of `line.toml` for what takes verdicts: one dataclass for each kind."""

from dataclasses import dataclass
from pathlib import Path

from slsg_edge.line.settings.setting import setting


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """A broker: QoS 1, a session that outlives an outage, a will that says `offline`."""

    name: str = setting("Of this sink; the client id is made of it and the line's name.", "mqtt")
    host: str = setting("Of the broker.", "127.0.0.1")
    port: int = setting("1883, or 8883 with TLS.", 1883)
    topic: str = setting(
        "Verdicts go to TOPIC/LINE/STATION/verdict, the state to TOPIC/LINE/state.", "slsg-edge"
    )
    user: str = setting("${NAME} or @FILE may be given.", "")
    password: str = setting("${NAME} or @FILE.", "")
    tls: bool = setting("Whether the connection is encrypted.", False)
    ca_file: Path | None = setting("Certificates to trust; without it the system's.", None)
    certificate: Path | None = setting("This client's certificate.", None)
    key_file: Path | None = setting("The key of that certificate.", None)
    payload: str = setting("json, or sparkplug for Sparkplug B.", "json")
    largest: int = setting("Bytes of one message; what is larger goes without its detail.", 65536)


@dataclass(frozen=True, slots=True)
class ModbusSettings:
    """A Modbus TCP server. Each station has a block of 16 holding registers."""

    name: str = setting("Of this sink.", "modbus")
    host: str = setting("The address to listen on.", "127.0.0.1")
    port: int = setting("The port to listen on; 502 needs the right to open it.", 5020)
    unit: int = setting("The unit (slave) identifier.", 1)


@dataclass(frozen=True, slots=True)
class OpcUaSettings:
    """An OPC UA server with nodes after OPC 40100-1 (machine vision)."""

    name: str = setting("Of this sink.", "opcua")
    host: str = setting("The address to listen on.", "127.0.0.1")
    port: int = setting("The port to listen on.", 4840)


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """A URL that gets each verdict as JSON, in order, until it answers 2xx."""

    name: str = setting("Of this sink.", "webhook")
    url: str = setting("https://…; ${NAME} or @FILE may be given.", "")
    bearer: str = setting("Sent as Authorization: Bearer …: ${NAME} or @FILE.", "")
    timeout_s: float = setting("Seconds for one answer.", 5.0)
    batch: int = setting("Verdicts in one request; 1 posts an object, more post a list.", 1)


@dataclass(frozen=True, slots=True)
class JsonLinesSettings:
    """A file of JSON Lines that begins anew when it is large."""

    name: str = setting("Of this sink.", "json_lines")
    path: Path = setting("Of the file.", Path("verdicts.jsonl"))
    megabytes: int = setting("At this size it is put aside as PATH.1, PATH.2, …", 100)
    files: int = setting("How many of those are kept.", 5)
