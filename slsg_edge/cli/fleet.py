"""`slsg-edge fleet`: bundles for many line PCs, and how all of them stand."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from slsg_edge.cli.options import AsJson
from slsg_edge.cli.text import plain_console, say, tell
from slsg_edge.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slsg_edge.line.fleet.overview import Known
    from slsg_edge.line.settings.sinks import MqttSettings

_PATIENCE = 5.0  # seconds for a broker

fleet_group = typer.Typer(no_args_is_help=True)

Folder: TypeAlias = Annotated[
    Path, typer.Argument(metavar="REPO", help="The repository: a folder that is served or shared.")
]
Keys: TypeAlias = Annotated[
    Path | None,
    typer.Option("--keys", metavar="DIR", help="Its private keys; default: REPO.keys beside it."),
]
Days: TypeAlias = Annotated[
    float,
    typer.Option(
        "--days",
        metavar="N",
        min=0.01,
        max=3650,
        help="So long line PCs take what is served for new; publish or refresh before that.",
    ),
]


@fleet_group.callback()
def _describe() -> None:
    """Publish bundles for many line PCs, pull them there, and see how all stations stand."""


@fleet_group.command("init")
def init(repo: Folder, keys: Keys = None, days: Days = 30) -> None:
    """Make an empty repository with new keys; its root.json goes to each line PC by hand."""
    from slsg_edge.line.fleet.publishing import new_repository

    place = keys or _keys(repo)
    root = new_repository(repo, place, timedelta(days=days))
    tell(f"written: {repo}, and its keys {place}, which never go where it is served")
    tell(f"next: carry {root} to each line PC as root.json, and name it in [update]")


@fleet_group.command("publish")
def publish(
    repo: Folder,
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A calibrated bundle.")],
    channel: Annotated[str, typer.Option(metavar="NAME", help="As in [update].")] = "stable",
    product: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="The name of the bundle in line.toml, without .slsg; default: that of BUNDLE.",
        ),
    ] = "",
    keys: Keys = None,
    days: Days = 30,
) -> None:
    """Make a bundle the newest release of a channel; line PCs take it when they look next."""
    import re

    from slsg_edge.bundle.opening import bundle_and_trust
    from slsg_edge.line.fleet.publishing import publish as publish_bundle
    from slsg_edge.line.settings.update import CHANNEL

    name = product or bundle.resolve().stem
    for what, given in (("channel", channel), ("product", name)):
        if not re.fullmatch(CHANNEL, given):
            raise ConfigError(
                f"--{what} is '{given}'.", fix="Give letters, digits, points, - and _."
            )
    opened, _ = bundle_and_trust(bundle)
    if not (bundle / "signatures.jsonl").exists():
        say("note: it is not signed; a line PC that trusts a key refuses it: slsg-edge sign")
    fingerprint = publish_bundle(
        repo, keys or _keys(repo), opened, channel, name, timedelta(days=days)
    )
    tell(f"{channel}/{name}: {fingerprint} is the newest release")


@fleet_group.command("refresh")
def refresh(repo: Folder, keys: Keys = None, days: Days = 30) -> None:
    """Say that what is served is still the newest; needs only the online key."""
    from slsg_edge.line.fleet.publishing import refresh as refresh_repository

    refresh_repository(repo, keys or _keys(repo), timedelta(days=days))
    tell(f"{repo}: counts as new for {days:g} days more")


@fleet_group.command("pull")
def pull(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A line.toml.")] = Path("line.toml"),
    signed: Annotated[
        bool, typer.Option("--signed", help="Take only what a trusted key has signed.")
    ] = False,
) -> None:
    """Look for new bundles now, as the line does by itself; exit code 1 where one is refused."""
    import os

    from slsg_edge.line.fleet.updating import pull as pull_bundles
    from slsg_edge.line.settings.reading import read_line

    line = read_line(path)
    if not line.update.repository and line.update.drop is None:
        raise ConfigError(
            f"{path} has no repository and no drop folder in [update].",
            fix='Add [update] with repository = "…" and root = "root.json".',
        )
    if hasattr(os, "nice"):
        os.nice(10)
    done = pull_bundles(line, say, signed=signed)
    tell(f"{done.state}: {done.said}")
    if done.state not in ("current", "taken"):
        raise typer.Exit(1)


@fleet_group.command("status")
def status(
    broker: Annotated[
        str,
        typer.Argument(
            metavar="HOST[:PORT]|FILE",
            help="A broker, or a line.toml whose first [[mqtt]] is taken.",
        ),
    ],
    topic: Annotated[str, typer.Option(metavar="TOPIC", help="As in [[mqtt]].")] = "slsg-edge",
    as_json: AsJson = False,
) -> None:
    """Show all stations that report to a broker; exit code 1 where one is not well."""
    import json
    from dataclasses import asdict

    from slsg_edge.line.fleet.overview import fleet

    known = fleet(_broker(broker, topic), _PATIENCE)
    if as_json:
        tell(json.dumps([{**asdict(each.report), "online": each.online} for each in known]))
    elif known:
        _print(known)
    else:
        say(f"no station reports to {broker} below {topic}")
    if not known or not all(map(_well, known)):
        raise typer.Exit(1)


def _print(known: "Sequence[Known]") -> None:
    from rich import box
    from rich.table import Table

    names = ("line", "station", "state", "bundle", "threshold", "drift", "deployment", "update")
    table = Table(*names, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for each in known:
        report = each.report
        table.add_row(
            report.line,
            report.station,
            "offline" if each.online is False else report.state,
            report.bundle or "-",
            "-" if report.threshold is None else f"{report.threshold:.4g}",
            ", ".join(report.drift) or "-",
            report.deployment or "-",
            "-" if report.pull is None else f"{report.pull.state}: {report.pull.said}",
        )
    plain_console().print(table)


def _well(known: "Known") -> bool:
    report = known.report
    fine = report.ready and report.state in ("ok", "idle", "ended", "starting")
    pulled = report.pull is None or report.pull.state in ("current", "taken")
    kept = report.last is None or report.last.by_hand or report.last.end == "kept"
    return fine and pulled and kept and known.online is not False and not report.drift


def _broker(text: str, topic: str) -> "MqttSettings":
    from slsg_edge.line.settings.reading import read_line
    from slsg_edge.line.settings.sinks import MqttSettings

    if text.endswith(".toml"):
        found = read_line(Path(text)).mqtt
        if not found:
            raise ConfigError(f"{text} has no [[mqtt]].", fix="Give the broker's HOST:PORT.")
        return found[0]
    host, _, port = text.rpartition(":")
    if not host:
        return MqttSettings(host=text, topic=topic)
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise ConfigError(f"'{text}' is no broker.", fix="Give HOST or HOST:PORT.")
    return MqttSettings(host=host, port=int(port), topic=topic)


def _keys(repo: Path) -> Path:
    return repo.with_name(f"{repo.resolve().name}.keys")
