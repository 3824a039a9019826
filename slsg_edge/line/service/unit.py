"""The unit of systemd that runs a line: watched over, kept in bounds, and locked in."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from slsg_edge.errors import ConfigError
from slsg_edge.line.settings.line import LineSettings
from slsg_edge.line.settings.places import DROP, drop_folder

MARK = "# Written by `slsg-edge line install`."
_PRIVILEGED = 1024  # ports below need a capability
_HIDDEN = ("/tmp", "/var/tmp")  # by PrivateTmp
_MIB_FOR_ALL, _MIB_EACH = 2048, 1024
_VARIABLE = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Unit:
    """name: of the service, without its ending. variables: that the line needs set."""

    name: str
    text: str
    environment: Path
    variables: tuple[str, ...]


def unit_of(file: Path, settings: LineSettings, user: str, command: Iterable[str]) -> Unit:
    """file: line.toml. command: what runs slsg-edge, word by word."""
    name = f"slsg-edge-{settings.name}"
    environment = Path(f"/etc/slsg-edge/{settings.name}.env")
    written = _written(settings)
    hidden = any(_below(path, _HIDDEN) for path in (*written, *_read(file, settings)))
    low = [port for port in _ports(settings) if 0 < port < _PRIVILEGED]
    memory = _MIB_FOR_ALL + _MIB_EACH * len(settings.station)
    text = _TEXT.format(
        mark=MARK,
        name=settings.name,
        user=user,
        home=_quoted(file.parent),
        start=" ".join(_quoted(word) for word in (*command, "watch", str(file))),
        environment=environment,
        memory=memory,
        # only the folder of the line has to be there
        writes=" ".join([_quoted(written[0]), *(_quoted(f"-{path}") for path in written[1:])]),
        tmp="no" if hidden else "yes",
        capability="CAP_NET_BIND_SERVICE" if low else "",
    )
    return Unit(name, text, environment, _variables(settings))


def _written(settings: LineSettings) -> tuple[Path, ...]:
    """Verdicts and pictures; bundles too, whose threshold is changed from the page."""
    paths = [settings.folder, *(sink.path.parent for sink in settings.json_lines)]
    paths += [station.bundle for station in settings.station]
    dropped = [each.source for each in settings.station if each.source.startswith(DROP)]
    paths += map(drop_folder, dropped)
    return tuple(dict.fromkeys(paths))


def _read(file: Path, settings: LineSettings) -> list[Path]:
    sources = [Path(each.source) for each in settings.station if each.source.startswith("/")]
    return [file, *sources]


def _below(path: Path, folders: Iterable[str]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def _ports(settings: LineSettings) -> list[int]:
    http = [settings.http.port] if settings.http.enabled else []
    modbus = [sink.port for sink in settings.modbus]
    return http + modbus + [sink.port for sink in settings.opcua]


def _variables(settings: LineSettings) -> tuple[str, ...]:
    texts = [station.source for station in settings.station] + [settings.http.token]
    for mqtt in settings.mqtt:
        texts += [mqtt.user, mqtt.password]
    for hook in settings.webhook:
        texts += [hook.url, hook.bearer]
    return tuple(dict.fromkeys(name for text in texts for name in _VARIABLE.findall(text)))


def _quoted(word: str | Path) -> str:
    """As systemd reads it: % and $ mean something there, and a space ends a word."""
    text = str(word)
    if not text.isprintable():
        raise ConfigError(
            f"{text!a} cannot stand in a unit of systemd.",
            fix="Give it a name that can be printed, or make a link to it.",
        )
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if re.search(r"""[\s"';\\]""", text) else escaped


_TEXT = """\
{mark}
[Unit]
Description=slsg-edge: inspection line {name}
Wants=network-online.target
After=network-online.target time-sync.target
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
User={user}
SupplementaryGroups=video
WorkingDirectory={home}
# Passwords and tokens, NAME=VALUE on each line; for root alone to read.
EnvironmentFile=-{environment}
ExecStart={start}
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=1
# An engine may be loaded and its golden frames checked before the line is ready.
TimeoutStartSec=300
TimeoutStopSec=10
KillMode=mixed
# The line tells it only while frames are truly processed.
WatchdogSec=10

MemoryMax={memory}M
LimitNOFILE=8192
TasksMax=1024
OOMPolicy=continue

# It reads everything but what others keep to themselves, and writes only here.
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths={writes}
PrivateTmp={tmp}
UMask=0027
NoNewPrivileges=yes
CapabilityBoundingSet={capability}
AmbientCapabilities={capability}
# not ProtectClock: it hides every device, and cameras with them
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
# not RemoveIPC: it would take the shared memory of other programs of this user
SystemCallArchitectures=native
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK

[Install]
WantedBy=multi-user.target
"""
