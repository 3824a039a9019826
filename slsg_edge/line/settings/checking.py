"""Whether the tables of `line.toml` fit together."""

from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import TypeVar

from slsg_edge.config import require, unknown_name
from slsg_edge.errors import ConfigError
from slsg_edge.line.settings.cameras import camera_of
from slsg_edge.line.settings.line import HttpSettings, LineSettings, StationSettings
from slsg_edge.line.settings.sinks import MqttSettings, WebhookSettings
from slsg_edge.line.settings.tables import SinkSettings, sinks_of, table_name

_Named = TypeVar("_Named", StationSettings, SinkSettings)

_ANY = frozenset({"", "0.0.0.0", "::"})
# Which keys a trigger takes, beside `kind`.
TRIGGER_KEYS: Mapping[str, frozenset[str]] = {
    "every_frame": frozenset({"every"}),
    "interval": frozenset({"every_ms"}),
    "mqtt": frozenset({"sink", "topic", "patience_ms"}),
    "modbus": frozenset({"sink", "coil", "patience_ms"}),
    "still": frozenset({"still_ms", "still_change", "still_empty"}),
}


def check_line(settings: LineSettings, file: str) -> None:
    """ConfigError for the first thing that cannot be right."""
    sinks = sinks_of(settings)
    _require_once(((each.name, "station") for each in settings.station), file)
    _require_once(((sink.name, kind) for kind, sink in sinks), file)
    _require_own_cameras(settings.station, file)
    _require_own_ports(settings, file)
    _check_http(settings.http, f"{file} [http]")
    for kind, sink in sinks:
        _check_sink(sink, table_name(file, kind, sink.name, 1))
    for number, station in enumerate(settings.station, 1):
        _check_station(station, settings, table_name(file, "station", station.name, number))


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there."""
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_trigger_keys(table: object, where: str) -> None:
    """ConfigError for a key of another kind of trigger, which would do nothing."""
    kind = table.get("kind", "every_frame") if isinstance(table, Mapping) else None
    if not isinstance(kind, str) or kind not in TRIGGER_KEYS or not isinstance(table, Mapping):
        return  # what is wrong with it is said where the types are checked
    every = frozenset().union(*TRIGGER_KEYS.values())
    for key in sorted(table.keys() & every - TRIGGER_KEYS[kind]):
        kinds = [name for name, keys in TRIGGER_KEYS.items() if key in keys]
        raise ConfigError(
            f"{where}.trigger.{key} does nothing, since the kind of the trigger is {kind}.",
            fix=f"Take it out, or give kind = {' or '.join(map(_quoted, kinds))}.",
        )


def _quoted(text: str) -> str:
    return f'"{text}"'


def _require_once(names: Iterable[tuple[str, str]], file: str) -> None:
    seen: dict[str, str] = {}
    for name, kind in names:
        folded = name.casefold()  # they name files, which some disks do not tell apart by case
        if folded in seen:
            both = " and ".join(dict.fromkeys(f"[[{each}]]" for each in (seen[folded], kind)))
            raise ConfigError(
                f"{file} has two tables called {name}: {both}.",
                fix=f'Give each a `name` of its own, as in name = "{name}-2".',
            )
        seen[folded] = kind


def _require_own_cameras(stations: Iterable[StationSettings], file: str) -> None:
    """One camera gives its pictures to one station: two would each lose some."""
    seen: dict[str, str] = {}
    for station in stations:
        camera = camera_of(station.source)
        if camera is None:
            continue
        if camera in seen:
            raise ConfigError(
                f'{file} [station "{station.name}"].source is the camera of the station '
                f"{seen[camera]}.",
                fix="Give each station a camera of its own.",
            )
        seen[camera] = station.name


def _require_own_ports(settings: LineSettings, file: str) -> None:
    http = settings.http
    listening = [("[http]", http.host, http.port)] if http.enabled else []
    for kind, sinks in (("modbus", settings.modbus), ("opcua", settings.opcua)):
        listening += [(f'[{kind} "{sink.name}"]', sink.host, sink.port) for sink in sinks]
    for place, (where, host, port) in enumerate(listening):
        for other, its_host, its_port in listening[:place]:
            shared = port == its_port != 0 and _overlap(host, its_host)
            require(
                not shared,
                f"{file} {where}.port is {port}, as is that of {other}.",
                "Give each a port of its own.",
            )


def _overlap(host: str, other: str) -> bool:
    both_here = is_loopback(host) and is_loopback(other)
    return host == other or bool({host, other} & _ANY) or both_here


def _check_http(http: HttpSettings, where: str) -> None:
    reached = http.enabled and not is_loopback(http.host)
    require(
        not reached or bool(http.token),
        f"{where}.host is {http.host or 'empty'!r}, so others reach the page, and there is no "
        "token.",
        'Give token = "${NAME}" or token = "@FILE", or host = "127.0.0.1".',
    )


def _check_sink(sink: SinkSettings, where: str) -> None:
    if isinstance(sink, WebhookSettings):
        known = sink.url.startswith(("http://", "https://", "${", "@"))
        require(known, f"{where}.url is no URL.", 'Give url = "https://…".')
    if isinstance(sink, MqttSettings):
        require(bool(sink.host), f"{where}.host is empty.", "Give the broker's name or address.")
        pair = bool(sink.certificate) == bool(sink.key_file)
        require(pair, f"{where} has one of certificate and key_file.", "Give both, or none.")
        secure = sink.tls or not (sink.ca_file or sink.certificate)
        require(secure, f"{where} has certificates, and tls is false.", "Add tls = true.")


def _check_station(station: StationSettings, settings: LineSettings, where: str) -> None:
    require(bool(station.source.strip()), f"{where}.source is empty.", "Name a camera or a URL.")
    if station.roi is not None:
        x, y, width, height = station.roi
        require(
            min(x, y) >= 0 and min(width, height) >= 1,
            f"{where}.roi is {list(station.roi)}, which is no rectangle.",
            "Give [x, y, width, height] with x, y >= 0 and width, height >= 1.",
        )
    names = [sink.name for _, sink in sinks_of(settings)]
    for name in station.sinks or ():
        if name not in names:
            raise unknown_name(name, names, what=f"sink in {where}.sinks")
    _check_trigger(station, settings, f"{where}.trigger")


def _check_trigger(station: StationSettings, settings: LineSettings, where: str) -> None:
    trigger = station.trigger
    if trigger.kind not in ("mqtt", "modbus"):
        return
    sinks = settings.mqtt if trigger.kind == "mqtt" else settings.modbus
    names = [sink.name for sink in sinks]
    require(
        bool(names),
        f"{where}.kind is {trigger.kind}, and there is no [[{trigger.kind}]] table that it could "
        "come through.",
        f"Add [[{trigger.kind}]], or take another kind of trigger.",
    )
    require(
        bool(trigger.sink) or len(names) == 1,
        f"{where} does not say which of {', '.join(names)} it comes through.",
        f'Add sink = "{names[0]}".',
    )
    if trigger.sink and trigger.sink not in names:
        raise unknown_name(trigger.sink, names, what=f"{trigger.kind} sink in {where}.sink")
    require(
        trigger.kind != "mqtt" or bool(trigger.topic),
        f"{where} has no topic.",
        'Add topic = "…": any message on it asks for one verdict.',
    )
