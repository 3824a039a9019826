"""The folder of a demo: the line that is drawn there, and what an earlier demo left of it."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slsg_edge.demo.sample.dataset import SampleCounts, write_dataset
from slsg_edge.demo.sample.film import FilmedModule, FilmSettings, write_film
from slsg_edge.errors import ConfigError
from slsg_edge.models.recipe import Notify
from slsg_edge.progress import progress
from slsg_edge.storage import write_atomically

MARKER = "demo.json"
JUDGE, SECOND = "module.slsg", "module-slsg.slsg"
COUNTS = SampleCounts(train=120, validation=60)


def claim(folder: Path, seed: int) -> None:
    """Takes away what an earlier demo left and this one cannot use."""
    if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).exists():
        raise ConfigError(
            f"{folder} holds other things than a demo.", fix="Give a folder that is not there yet."
        )
    line = {"seed": seed, "train": COUNTS.train, "validation": COUNTS.validation}
    shutil.rmtree(folder / "rejects", ignore_errors=True)
    (folder / "verdicts.jsonl").unlink(missing_ok=True)
    known = marked(folder)
    if {name: known.get(name) for name in line} != line:
        for name in (JUDGE, SECOND):
            forget(folder, name)
        known = line
        shutil.rmtree(folder / "data", ignore_errors=True)
    elif not (folder / "data" / "film.json").exists():
        shutil.rmtree(folder / "data", ignore_errors=True)
    mark(folder, known)


def forget(folder: Path, name: str) -> None:
    """A bundle and what was trained on the way to it."""
    for path in (folder / name, (folder / name).with_suffix(".run")):
        shutil.rmtree(path, ignore_errors=True)


def marked(folder: Path) -> dict[str, Any]:
    """What an earlier demo noted; nothing where there was none."""
    marker = folder / MARKER
    try:
        known = json.loads(marker.read_text()) if marker.exists() else {}
    except ValueError:  # cut short as the disk was full
        known = {}
    return known if isinstance(known, dict) else {}


def mark(folder: Path, notes: Mapping[str, Any]) -> None:
    write_atomically(folder / MARKER, json.dumps(notes).encode())


def draw(data: Path, film: Path, seed: int, notify: Notify) -> tuple[FilmedModule, ...]:
    """The data set and the film, or those of an earlier demo."""
    if film.with_suffix(".json").exists():
        notify(f"Using the line that was drawn before: {data}")
        return standings_of(film)
    settings = FilmSettings()
    with progress("drawing images", COUNTS.total) as advance:
        write_dataset(data, COUNTS, seed, advance)
    with progress("drawing the film", settings.total) as advance:
        return write_film(film, settings, seed, advance)


def standings_of(film: Path) -> tuple[FilmedModule, ...]:
    stored = json.loads(film.with_suffix(".json").read_text())["standings"]
    return tuple(FilmedModule(**standing) for standing in stored)
