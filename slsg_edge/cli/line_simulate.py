"""`slsg-edge line simulate`: a PLC or an MES to try a line with on a desk."""

import signal
import time
from contextlib import ExitStack, closing, suppress
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from slsg_edge.cli.text import say, tell

if TYPE_CHECKING:
    from slsg_edge.line.settings.line import LineSettings
    from slsg_edge.line.simulate.mes import MqttMes, WebhookMes

    Mes: TypeAlias = MqttMes | WebhookMes

_LOOK_EVERY = 0.1  # seconds


class Peer(str, Enum):
    """What is simulated."""

    plc = "plc"
    mes = "mes"


def line_simulate(
    what: Annotated[
        Peer,
        typer.Argument(
            metavar="plc|mes",
            help="plc asks and reads over Modbus; mes takes verdicts over MQTT and HTTP.",
        ),
    ],
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A line.toml.")] = Path("line.toml"),
    station: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of plc: by default the first one.")
    ] = None,
    parts: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="End after so many parts or verdicts.")
    ] = None,
    every: Annotated[
        float, typer.Option(metavar="S", min=0, help="Of plc: seconds between two requests.")
    ] = 1.0,
) -> None:
    """Play the PLC or the MES of a line that runs, to try it on a desk; Ctrl-C ends it.

    plc passes a part only for good. mes checks that no verdict is missing or wrong; exit code 1
    where one is.
    """
    from slsg_edge.line.settings.reading import read_line

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    settings = read_line(path)
    if what is Peer.plc:
        _plc(settings, station, parts, every)
    else:
        _mes(settings, parts)


def _plc(settings: "LineSettings", station: str | None, parts: int | None, every: float) -> None:
    from slsg_edge.line.simulate.plc import simulate_plc, wiring_of

    decided = {"passed": 0, "rejected": 0}

    def count(text: str) -> None:
        decided["passed" if text.startswith("PASS") else "rejected"] += 1
        tell(text)

    with suppress(KeyboardInterrupt):
        simulate_plc(wiring_of(settings, station), count, parts=parts, every=every)
    say(f"{decided['passed']} passed, {decided['rejected']} not passed")


def _mes(settings: "LineSettings", parts: int | None) -> None:
    with ExitStack() as stack:
        all_mes = [stack.enter_context(closing(one)) for one in _opened(settings)]
        with suppress(KeyboardInterrupt):
            while parts is None or any(one.ledger.taken < parts for one in all_mes):
                time.sleep(_LOOK_EVERY)
    for one in all_mes:
        say(str(one.ledger))
    if any(one.ledger.missing or one.ledger.wrong or one.ledger.unreadable for one in all_mes):
        raise typer.Exit(1)


def _opened(settings: "LineSettings") -> "list[Mes]":
    """One for each broker, and one for each webhook of this machine."""
    from slsg_edge.config import require
    from slsg_edge.line.settings.checking import is_loopback
    from slsg_edge.line.simulate.mes import MqttMes, WebhookMes

    hooks = [place for place in map(_place_of, _urls(settings)) if is_loopback(place[0])]
    require(
        bool(settings.mqtt or hooks),
        "The line has no [[mqtt]] table and no [[webhook]] of this machine.",
        'Add [[mqtt]], or [[webhook]] with url = "http://127.0.0.1:8099/".',
    )
    brokers: list[Mes] = [MqttMes(one, settings.name, tell) for one in settings.mqtt]
    return brokers + [WebhookMes(host, port, tell) for host, port in hooks]


def _urls(settings: "LineSettings") -> list[str]:
    from slsg_edge.line.sources.addresses import with_secrets

    return [with_secrets(one.url) for one in settings.webhook]


def _place_of(url: str) -> tuple[str, int]:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        return (parts.hostname or "", parts.port or 80) if parts.scheme == "http" else ("", 0)
    except ValueError:
        return "", 0
