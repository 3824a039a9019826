"""`manifest.json`: what a bundle is and what made each of its files.

Reads strictly, since the file may come from anywhere: a key that this version does not know is
refused wherever it stands, so nothing is ever lost by writing the manifest again. Knows nothing
about the files themselves.
"""

import dataclasses
import json
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from slsg_edge.bundle.tolerances import DEFAULTS, Tolerance
from slsg_edge.config import json_from, settings_from_table, without_none
from slsg_edge.contracts import Json
from slsg_edge.errors import ConfigError
from slsg_edge.images import UsualFrames
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.scoring import Threshold

FORMAT = 1
MANIFEST_LIMIT = 16 * 2**20  # bytes: the scores of 10,000 good images take 1.5 MB
MOST_STAGES = 200  # a threshold and an engine for every target there is come to a few dozen
LONGEST_NAME = 255  # of a file or a stage

# What reading a manifest raises that this version did not write.
DAMAGE = (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError, ConfigError)


@dataclass(frozen=True, slots=True)
class Stage:
    """One step that ran.

    command: what ran it, with `{bundle}` for the bundle's path.
    finished, seconds: when it ended (ISO 8601, UTC) and how long it took.
    inputs, outputs: the files that it read and wrote, name -> sha256.
    tools: the packages that it used, name -> version.
    settings: what its record holds; see `records`.
    """

    command: str
    finished: str
    seconds: float
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    tools: Mapping[str, str]
    settings: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle is.

    spec: the network's own dataclass as a table; only its detector reads it.
    threshold: the reference's; thresholds: those of backends whose scores differ, by backend.
    stages: what has run, by the name of the stage.
    tolerances: by precision or, where a backend has its own, by backend.
    usual: what the good images of the training have in common.
    """

    detector: str
    spec: Mapping[str, Json]
    preprocessing: Preprocessing
    threshold: Threshold | None = None
    stages: Mapping[str, Stage] = field(default_factory=dict)
    format: int = FORMAT
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)
    tolerances: Mapping[str, Tolerance] = field(default_factory=lambda: {**DEFAULTS})
    usual: UsualFrames = field(default_factory=UsualFrames)


def manifest_from_json(content: bytes) -> Manifest:
    """Raises any of DAMAGE for what this version did not write."""
    return _manifest(_table(json_from(content, MANIFEST_LIMIT), "the manifest"))


def json_from_manifest(manifest: Manifest) -> bytes:
    """ValueError for a number that is none: no score would ever be above NaN."""
    return json.dumps(dataclasses.asdict(manifest), indent=1, allow_nan=False).encode()


def renewed(old: Manifest, new: Manifest) -> Manifest:
    """A network trained anew, with what later stages left of `old`.

    They are stale then, and say so, rather than vanish. Tolerances may have been set by hand, so
    those of the same detector stay.
    """
    return replace(
        new,
        threshold=old.threshold,
        stages=old.stages,
        thresholds=old.thresholds,
        tolerances=old.tolerances if old.detector == new.detector else new.tolerances,
    )


def _manifest(table: dict[str, Any]) -> Manifest:
    # before the keys: another format has other keys, and its number is what explains them
    if table["format"] != FORMAT:
        raise ValueError(f"format {table['format']}, but this version reads format {FORMAT}")
    _require_known(table, Manifest, "the manifest")
    _check_stage_names(_table(table["stages"], "stages"))
    stages = {
        name: _stage(_table(record, f"stages.{name}"), f"stages.{name}")
        for name, record in _table(table["stages"], "stages").items()
    }
    _check_order(stages)
    threshold = table["threshold"]
    return Manifest(
        detector=_text(table["detector"], "detector"),
        spec=_table(table["spec"], "spec"),
        preprocessing=settings_from_table(
            Preprocessing, without_none(table["preprocessing"]), "preprocessing"
        ),
        threshold=None if threshold is None else _threshold(threshold, "threshold"),
        stages=stages,
        thresholds={
            backend: _threshold(record, f"thresholds.{backend}")
            for backend, record in _table(table.get("thresholds", {}), "thresholds").items()
        },
        tolerances={**DEFAULTS, **_tolerances(_table(table.get("tolerances", {}), "tolerances"))},
        usual=settings_from_table(
            UsualFrames, without_none(_table(table.get("usual", {}), "usual")), "usual"
        ),
    )


def _tolerances(table: dict[str, Any]) -> dict[str, Tolerance]:
    return {
        name: settings_from_table(Tolerance, limits, f"tolerances.{name}")
        for name, limits in table.items()
    }


def _threshold(table: Any, where: str) -> Threshold:
    return settings_from_table(Threshold, without_none(_table(table, where)), where)


def _stage(table: dict[str, Any], where: str) -> Stage:
    _require_known(table, Stage, where)
    files = {part: _texts(table[part], f"{where}.{part}") for part in ("inputs", "outputs")}
    for names in files.values():
        _check_names(names)
    return Stage(
        command=_text(table["command"], f"{where}.command"),
        finished=_text(table["finished"], f"{where}.finished"),
        seconds=_seconds(table["seconds"], f"{where}.seconds"),
        inputs=files["inputs"],
        outputs=files["outputs"],
        tools=_texts(table["tools"], f"{where}.tools"),
        settings=_table(table["settings"], f"{where}.settings"),
    )


def _require_known(table: Mapping[str, Any], kind: type, where: str) -> None:
    known = {entry.name for entry in dataclasses.fields(kind)}
    for key in table:
        if key not in known:
            raise ValueError(
                f"{where} has the key '{key}', which this version does not know; "
                "was it written by a newer one?"
            )


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{where} is no table")
    return value


def _texts(value: Any, where: str) -> dict[str, str]:
    return {name: _text(text, f"{where}.{name}") for name, text in _table(value, where).items()}


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{where} is no text")
    return value


def _seconds(value: Any, where: str) -> float:
    if type(value) not in (int, float) or not 0 <= value < math.inf:
        raise TypeError(f"{where} is no number of seconds")
    return float(value)


def _check_stage_names(names: Collection[str]) -> None:
    if len(names) > MOST_STAGES:
        raise ValueError(f"it holds {len(names)} stages, where at most {MOST_STAGES} are due")
    if any(len(name) > LONGEST_NAME or not name.isprintable() for name in names):
        raise ValueError("the name of a stage is too long or cannot be printed")


def _check_names(names: Iterable[str]) -> None:
    for name in names:
        if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
            raise ValueError(f"a file is called {name[:40]!a}, which is no name of one")
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name:
            raise ValueError(f"'{name}' points outside the bundle")


def _check_order(stages: Mapping[str, Stage]) -> None:
    """ValueError when a stage would be made from itself: asking for freshness would never end."""
    waiting = dict(stages)
    while waiting:
        pending = {name for stage in waiting.values() for name in stage.outputs}
        ready = {name for name, stage in waiting.items() if not pending & stage.inputs.keys()}
        if not ready:
            raise ValueError(f"the stages {', '.join(waiting)} are made from each other")
        waiting = {name: stage for name, stage in waiting.items() if name not in ready}
