"""The keys of `line.toml`: one dataclass for each table."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from slsg_edge.line.settings.setting import PLAIN, setting
from slsg_edge.line.settings.sinks import (
    JsonLinesSettings,
    ModbusSettings,
    MqttSettings,
    OpcUaSettings,
    WebhookSettings,
)
from slsg_edge.line.settings.update import UpdateSettings

TriggerKind: TypeAlias = Literal["every_frame", "interval", "mqtt", "modbus", "still"]


@dataclass(frozen=True, slots=True)
class TriggerSettings:
    """When a frame is inspected."""

    kind: TriggerKind = setting(
        "every_frame, interval (a frame each `every_ms`), mqtt (at a message on `topic`), modbus "
        "(when `coil` rises) or still (when the part stands still).",
        "every_frame",
    )
    every: int = setting("Of every_frame: inspect every N-th frame only.", 1, least=1)
    every_ms: int = setting(
        "Of interval: milliseconds between two inspected frames.", 1000, least=10
    )
    sink: str = setting(
        "Of mqtt and modbus: the name of the [[mqtt]] or [[modbus]] table that the trigger comes "
        "through; empty takes the only one.",
        "",
    )
    topic: str = setting("Of mqtt: any message on this topic asks for one verdict.", "")
    coil: int = setting(
        "Of modbus: the address of the coil that asks for one verdict.", 0, least=0, most=65535
    )
    still_ms: int = setting("Of still: how long the picture must not move.", 200, least=20)
    still_change: float = setting(
        "Of still: the change of grey levels (0 to 255), in the part of the picture that changes "
        "most, below which nothing moves.",
        2.0,
        least=0.01,
        most=255,
    )
    still_empty: Path | None = setting(
        "Of still: a picture of the place without a part, which is not inspected; without it every "
        "picture that stands still counts as a part.",
        None,
    )
    patience_ms: int = setting(
        "Of mqtt and modbus: how long a trigger waits for a fresh frame before its verdict is "
        "undecided.",
        1000,
        least=10,
    )


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """What a station of this camera must hold."""

    max_age_ms: int = setting("A frame older than this is undecided.", 1000, least=50)
    silent_ms: int = setting(
        "Without a frame for so long there is a verdict undecided.", 1800, least=200
    )
    frozen_after: int = setting("So many equal frames are undecided; 0 allows them.", 5, least=0)
    latency_ms: int = setting(
        "From frame to durable verdict; what takes longer is counted and shown.", 500, least=1
    )
    failures: int = setting(
        "After so many failures of the detector in a row it is opened again.", 5, least=1
    )


@dataclass(frozen=True, slots=True)
class StationSettings:
    """One camera, or one folder that files drop into, and what inspects it."""

    name: str = setting("Letters, digits, - and _; it stands in each verdict.", pattern=PLAIN)
    source: str = setting(
        "A URL, a camera (0 or /dev/video0), a film, a folder, drop:FOLDER, gstreamer:PIPELINE, "
        "genicam:SERIAL or test:. ${NAME} stands for a variable of the environment, @FILE for "
        "the line in a file."
    )
    bundle: Path = setting("A calibrated bundle; beside this file if it is no absolute path.")
    roi: tuple[int, int, int, int] | None = setting(
        "x, y, width, height of the region to inspect, in pixels.", None
    )
    any_size: bool = setting("Scale frames of another size than the training's.", False)
    backend: str | None = setting("What runs the model; without it the best one here.", None)
    snapshot_ms: int = setting(
        "How often a URL that gives single pictures is asked.", 200, least=20
    )
    sinks: tuple[str, ...] | None = setting(
        "Names of the sinks that get its verdicts; without it all of them.", None
    )
    trigger: TriggerSettings = setting("When a frame is inspected.", TriggerSettings())
    limits: LimitSettings = setting("What this station must hold.", LimitSettings())


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Dashboard, health and metrics."""

    enabled: bool = setting("Whether they are served.", True)
    host: str = setting(
        "The address to listen on; another than loopback needs a token.", "127.0.0.1"
    )
    port: int = setting("The port to listen on; 0 takes a free one.", 8420, least=0, most=65535)
    token: str = setting(
        "Whoever changes something must give it: ${NAME} or @FILE. Without one nothing can be "
        "changed.",
        "",
    )


@dataclass(frozen=True, slots=True)
class KeepSettings:
    """Which pictures are kept, and for how long."""

    rejects: bool = setting("Keep the picture of each part that is not good.", True)
    good_share: float = setting(
        "The share of good parts whose picture is kept.", 0.0, least=0, most=1
    )
    gigabytes: float = setting("Pictures take at most so much; the oldest go first.", 10.0, least=0)
    days: float = setting("Pictures and verdicts older than this go.", 90.0, least=0.01)
    free_gigabytes: float = setting(
        "With less room than this on the disk no picture is kept.", 0.5, least=0
    )


@dataclass(frozen=True, slots=True)
class DriftSettings:
    """The test that warns when good parts no longer look as they did."""

    enabled: bool = setting("Whether it runs.", True)
    false_alarms: float = setting(
        "The chance that it ever warns, in the life of one calibration, while nothing drifts.",
        0.01,
        least=1e-6,
        most=0.5,
    )
    every_s: float = setting(
        "Pictures of one camera count once in so many seconds: what follows closely shows the same "
        "part, and would be counted as several. Each file counts.",
        1.0,
        least=0,
    )


@dataclass(frozen=True, slots=True)
class LineSettings:
    """A whole `line.toml`."""

    station: tuple[StationSettings, ...] = setting("The stations, each a [[station]] table.")
    name: str = setting("Of the line, for people and topics.", "line", pattern=PLAIN)
    folder: Path = setting(
        "Where verdicts, pictures and the audit log are kept; beside this file if it is no "
        "absolute path.",
        Path("line-data"),
    )
    http: HttpSettings = setting("Dashboard, health and metrics.", HttpSettings())
    keep: KeepSettings = setting("Which pictures are kept.", KeepSettings())
    drift: DriftSettings = setting("The test for drift.", DriftSettings())
    mqtt: tuple[MqttSettings, ...] = setting("MQTT brokers that get verdicts.", ())
    modbus: tuple[ModbusSettings, ...] = setting("Modbus TCP servers that a PLC reads.", ())
    opcua: tuple[OpcUaSettings, ...] = setting("OPC UA servers.", ())
    webhook: tuple[WebhookSettings, ...] = setting("URLs that verdicts are posted to.", ())
    json_lines: tuple[JsonLinesSettings, ...] = setting("Files of JSON Lines.", ())
    update: UpdateSettings = setting("How stations get new bundles.", UpdateSettings())
