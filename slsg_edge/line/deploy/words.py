"""How the deployment of a station stands, for people."""

from pathlib import Path

from slsg_edge.line.deploy.active import applies
from slsg_edge.line.deploy.state import (
    DIFFERENCES,
    OF_LINE_TOML,
    PAGE,
    DeployState,
    Ending,
    fingerprint_in,
    folder_of,
)
from slsg_edge.line.settings.line import StationSettings


def label(bundle: str) -> str:
    """As in records: the fingerprint."""
    return "the bundle of line.toml" if bundle == OF_LINE_TOML else fingerprint_in(bundle)


def standing(state: DeployState) -> str:
    """What is going on, else how the last one ended; empty where nothing ever was."""
    if state.candidate and state.shadow:
        return _shadow(state)
    if state.probation:
        on = state.probation
        return f"on probation: {on.seen} of {on.frames} parts, {on.rejected} of them not good"
    return "" if state.last is None else ended(state.last)


def ended(last: Ending) -> str:
    """As `12ab was rolled back: …`."""
    return f"{label(last.bundle)} was {last.end}" + (f": {last.why}" if last.why else "")


def described(station: StationSettings, state: DeployState | None, folder: Path) -> list[str]:
    """A few lines on a station. folder: of the line."""
    if state is None or not applies(state, station, folder_of(folder, station.name)):
        return [f"{station.name}: runs {station.bundle}, as line.toml says; nothing is deployed"]
    lines = [f"{station.name}: {label(state.active)} is active"]
    if told := standing(state):
        lines.append(f"  {told}")
    if state.previous:
        lines.append(f"  before: {', '.join(map(label, state.previous))}")
    lines += [f"  where the two differed: {page}" for page in _pages(state, station, folder)]
    return lines


def alarm(state: DeployState) -> str | None:
    """What a person must see to: a bundle that did not do, until the next one does."""
    last = state.last
    if last is None or last.by_hand or last.end == "kept" or state.candidate or state.probation:
        return None
    return ended(last)


def _shadow(state: DeployState) -> str:
    shadow = state.shadow
    assert shadow is not None
    counts = (
        f"{shadow.compared} parts compared, {shadow.differ} differ, {shadow.rejected} of them "
        "not good"
    )
    skipped = f" ({shadow.skipped} left out)" if shadow.skipped else ""
    word = "waits to be switched to" if shadow.done else "runs beside"
    return f"{label(state.candidate)} {word}: {counts}{skipped}"


def _pages(state: DeployState, station: StationSettings, folder: Path) -> list[Path]:
    """Of the candidate, or of what came of it."""
    bundles = [state.candidate, state.active, state.last.bundle if state.last else ""]
    place = folder_of(folder, station.name) / DIFFERENCES
    pages = [place / name.removesuffix(".slsg") / PAGE for name in dict.fromkeys(bundles) if name]
    return [page for page in pages if page.is_file()]
