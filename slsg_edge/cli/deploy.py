"""`slsg-edge deploy`: another bundle for a station of a line, running or not."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slsg_edge.cli.options import AsJson
from slsg_edge.cli.text import say, tell
from slsg_edge.errors import ConfigError

if TYPE_CHECKING:
    from slsg_edge.line.deploy.deploying import Deployment, Wish
    from slsg_edge.line.deploy.state import Shadow
    from slsg_edge.line.settings.line import LineSettings, StationSettings

_SHADOW = re.compile(r"(\d+(?:\.\d+)?)([hm]?)")
_SECONDS = {"h": 3600.0, "m": 60.0}
_BAND = re.compile(r"(\d*\.?\d+)-(\d*\.?\d+)")


def deploy(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[BUNDLE] [STATION]",
            help="A bundle, or an archive of one, and a station; the station may be left out where "
            "the line has only one. With --roll-back, --switch and --status no bundle.",
        ),
    ] = None,
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="The line.toml.")] = Path(
        "line.toml"
    ),
    shadow: Annotated[
        str | None,
        typer.Option(
            metavar="N|Nh|Nm",
            help="First run it beside the active bundle, for N frames or so many hours or minutes.",
        ),
    ] = None,
    hold: Annotated[
        bool, typer.Option("--hold", help="With --shadow: wait for `deploy --switch` after it.")
    ] = False,
    frames: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Parts of its probation; else as in [update]."),
    ] = None,
    reject_rate: Annotated[
        str | None,
        typer.Option(
            metavar="LOW-HIGH",
            help="The share of these parts that may be not good, as 0-0.1; else as in [update].",
        ),
    ] = None,
    roll_back: Annotated[
        bool, typer.Option("--roll-back", help="Go back to the bundle before.")
    ] = False,
    switch: Annotated[
        bool, typer.Option("--switch", help="Switch to the candidate of a shadow now.")
    ] = False,
    status: Annotated[
        bool, typer.Option("--status", help="Say how the stations of the line stand.")
    ] = False,
    why: Annotated[str, typer.Option(metavar="TEXT", help="For the audit log.")] = "",
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until the line has kept it or taken it back.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Give a station another bundle: copied, tried, switched to between two frames.

    The new bundle is on probation for its first parts: where the detector fails or the share that
    is not good leaves its band, the line takes it back by itself. Exit code 1 with --wait where it
    was taken back.
    """
    from slsg_edge.line.settings.reading import read_line

    line = read_line(to)
    words = names or []
    if sum((roll_back, switch, status)) > 1:
        raise ConfigError(
            "--roll-back, --switch and --status exclude each other.", fix="Give one of them."
        )
    if status:
        _status(line, words, as_json)
    elif roll_back:
        _roll_back(line, _station(line, words), why)
    elif switch:
        _switch(line, _station(line, words))
    else:
        _deploy(line, words, _wish(line, frames, reject_rate, shadow, hold), wait, as_json)


def _deploy(
    line: "LineSettings", words: list[str], wish: "Wish", wait: bool, as_json: bool
) -> None:
    import json
    from dataclasses import asdict

    from slsg_edge.line.deploy.deploying import deploy as deploy_bundle
    from slsg_edge.line.deploy.deploying import line_process

    if not words:
        raise ConfigError(
            "There is no bundle to deploy.", fix="Run: slsg-edge deploy BUNDLE STATION"
        )
    station = _station(line, words[1:])
    if wait and line_process(line.folder) is None:
        raise ConfigError(
            "The line does not run, so there is nothing to wait for.",
            fix="Start it, or leave out --wait: it begins with the bundle when it starts.",
        )
    done = deploy_bundle(Path(words[0]), line, station, wish, say)
    if as_json:
        tell(json.dumps(asdict(done)))
    else:
        _say_done(done, wish, line_process(line.folder))
    if wait and not done.already:
        _wait(line, station, done)


def _say_done(done: "Deployment", wish: "Wish", process: int | None) -> None:
    for note in done.notes:
        say(f"note: {note}")
    if done.already:
        tell(f"{done.station} runs {done.fingerprint} already; nothing was changed")
        return
    signed = f"signed by {', '.join(done.signers)}" if done.signers else "not signed"
    word = "runs beside the active bundle" if done.shadow else "is active"
    tell(
        f"{done.station}: {done.fingerprint} {word}: {done.backend}, threshold "
        f"{done.threshold:.4g}, {signed}"
    )
    if process is None:
        tell("the line does not run; it begins with this when it starts")
    on = wish.probation
    tell(
        f"then on probation for {on.frames} parts, of which {on.least:.0%} to {on.most:.0%} may be "
        "not good"
    )
    tell(f"next: slsg-edge deploy --status {done.station}")


def _roll_back(line: "LineSettings", station: "StationSettings", why: str) -> None:
    from slsg_edge.line.deploy.deploying import roll_back
    from slsg_edge.line.deploy.words import label

    after = roll_back(line, station, why)
    tell(f"{station.name}: back to {label(after.active)}")


def _switch(line: "LineSettings", station: "StationSettings") -> None:
    from slsg_edge.line.deploy.deploying import switch
    from slsg_edge.line.deploy.words import label

    after = switch(line, station)
    tell(f"{station.name}: {label(after.active)} is active")


def _status(line: "LineSettings", words: list[str], as_json: bool) -> None:
    import json
    from dataclasses import asdict

    from slsg_edge.line.deploy.state import folder_of, read_state
    from slsg_edge.line.deploy.words import described

    wanted = [_station(line, words)] if words else line.station
    states = {each.name: read_state(folder_of(line.folder, each.name)) for each in wanted}
    if as_json:
        tell(json.dumps({name: state and asdict(state) for name, state in states.items()}))
        return
    for station in wanted:
        tell("\n".join(described(station, states[station.name], line.folder)))


def _wait(line: "LineSettings", station: "StationSettings", done: "Deployment") -> None:
    from slsg_edge.line.deploy.deploying import ending_of
    from slsg_edge.line.deploy.words import ended

    last = ending_of(line, station, done)
    tell(f"{station.name}: {ended(last)}")
    if last.end != "kept":
        raise typer.Exit(1)


def _station(line: "LineSettings", words: list[str]) -> "StationSettings":
    """ConfigError where it is not clear which."""
    known = ", ".join(each.name for each in line.station)
    if len(words) > 1:
        raise ConfigError(f"{' '.join(words)} is too much.", fix="Give one station.")
    if not words and len(line.station) > 1:
        raise ConfigError("The line has several stations.", fix=f"Give one of them: {known}.")
    found = [each for each in line.station if not words or each.name == words[0]]
    if not found:
        raise ConfigError(f"No station is called '{words[0]}'.", fix=f"Stations: {known}.")
    return found[0]


def _wish(
    line: "LineSettings",
    frames: int | None,
    reject_rate: str | None,
    shadow: str | None,
    hold: bool,
) -> "Wish":
    from slsg_edge.line.deploy.deploying import Wish, probation_of

    probation = probation_of(line.update, frames, _band(reject_rate))
    if hold and shadow is None:
        raise ConfigError("--hold is of a shadow.", fix="Give --shadow, too.")
    return Wish(probation, None if shadow is None else _shadow(shadow, hold))


def _shadow(text: str, hold: bool) -> "Shadow":
    from slsg_edge.line.deploy.state import Shadow

    found = _SHADOW.fullmatch(text)
    if found is None or not float(found[1]) or (not found[2] and "." in text):
        raise ConfigError(
            f"--shadow is '{text}'.", fix="Give frames, as 500, or hours or minutes, as 8h or 30m."
        )
    if found[2]:
        return Shadow(seconds=float(found[1]) * _SECONDS[found[2]], hold=hold)
    return Shadow(frames=int(found[1]), hold=hold)


def _band(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    found = _BAND.fullmatch(text)
    if found is None or not float(found[1]) <= float(found[2]) <= 1:
        raise ConfigError(f"--reject-rate is '{text}'.", fix="Give two shares, as 0-0.1.")
    return float(found[1]), float(found[2])
