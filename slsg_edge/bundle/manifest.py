"""`manifest.json`: what a bundle is and what made each of its files.

Reads strictly, since the file may come from anywhere. Knows nothing about the files themselves.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from slsg_edge.bundle.tolerances import DEFAULTS, Tolerance
from slsg_edge.config import settings_from_table, without_none
from slsg_edge.contracts import Json
from slsg_edge.errors import ConfigError
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.scoring import Threshold

FORMAT = 1

# What reading a manifest raises that this version did not write.
DAMAGE = (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError, ConfigError)


@dataclass(frozen=True, slots=True)
class Stage:
    """One step that ran: what it read and wrote (name -> sha256), with what, and when."""

    command: str
    finished: str
    seconds: float
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    tools: Mapping[str, str]
    settings: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Manifest:
    """`spec` is the network's own dataclass as a table; only its detector reads it.

    `threshold` is the reference's; `thresholds` are those of backends whose scores differ.
    `tolerances` go by precision or, where a backend has its own, by backend.
    """

    detector: str
    spec: Mapping[str, Json]
    preprocessing: Preprocessing
    threshold: Threshold | None = None
    stages: Mapping[str, Stage] = field(default_factory=dict)
    format: int = FORMAT
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)
    tolerances: Mapping[str, Tolerance] = field(default_factory=lambda: {**DEFAULTS})


def manifest_from_json(content: bytes) -> Manifest:
    """Raises any of DAMAGE for what this version did not write."""
    return _manifest_from(json.loads(content, parse_constant=_refuse))


def json_from_manifest(manifest: Manifest) -> bytes:
    """ValueError for a number that is none: no score would ever be above NaN."""
    return json.dumps(dataclasses.asdict(manifest), indent=1, allow_nan=False).encode()


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")  # no score would ever be above NaN


def _manifest_from(table: dict[str, Any]) -> Manifest:
    if table["format"] != FORMAT:
        raise ValueError(f"format {table['format']}, but this version reads format {FORMAT}")
    stages = {name: Stage(**record) for name, record in table["stages"].items()}
    for stage in stages.values():
        _check_files({**stage.inputs, **stage.outputs})
    _check_order(stages)
    threshold = table["threshold"]
    return Manifest(
        detector=str(table["detector"]),
        spec=dict(table["spec"]),
        preprocessing=settings_from_table(
            Preprocessing, without_none(table["preprocessing"]), "preprocessing"
        ),
        threshold=threshold and _threshold(threshold, "threshold"),
        stages=stages,
        thresholds={
            name: _threshold(found, f"thresholds.{name}")
            for name, found in table.get("thresholds", {}).items()
        },
        tolerances={
            **DEFAULTS,
            **{
                name: settings_from_table(Tolerance, limits, f"tolerances.{name}")
                for name, limits in table.get("tolerances", {}).items()
            },
        },
    )


def _threshold(table: dict[str, Any], where: str) -> Threshold:
    return settings_from_table(Threshold, without_none(table), where)


def _check_files(digests: Mapping[str, str]) -> None:
    for name, digest in digests.items():
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name:
            raise ValueError(f"'{name}' points outside the bundle")
        if not isinstance(digest, str):
            raise TypeError(f"the sha256 of '{name}' is no text")


def _check_order(stages: Mapping[str, Stage]) -> None:
    """ValueError when a stage would be made from itself: asking for freshness would never end."""
    waiting = dict(stages)
    while waiting:
        pending = {name for stage in waiting.values() for name in stage.outputs}
        ready = {name for name, stage in waiting.items() if not pending & stage.inputs.keys()}
        if not ready:
            raise ValueError(f"the stages {', '.join(waiting)} are made from each other")
        waiting = {name: stage for name, stage in waiting.items() if name not in ready}
