"""What a bundle holds: every stage, every file, and the command that makes it. One table.

A stage that is not planned here cannot be committed, so the table is complete.
`docs/architecture.md` shows the same table.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from slsg_edge.bundle.commands import BUNDLE, command_for

if TYPE_CHECKING:
    from slsg_edge.contracts import Precision

SUFFIX = ".slsg"
MANIFEST_FILE = "manifest.json"
WEIGHTS_FILE = "weights.safetensors"
FRAMES_FILE = "frames.npz"
TRAINING_RECORD_FILE = "data.json"
GOOD_SCORES_FILE = "good_scores.json"
GOLDEN_FILE = "golden.npz"
INT8_RECORD_FILE = "int8.json"
# The same network at each precision; fp32 is the reference that the others are judged by.
MODEL_FILES: "Mapping[Precision, str]" = {
    "fp32": "model.onnx",
    "fp16": "model.fp16.onnx",
    "int8": "model.int8.onnx",
}
ENGINE_FOLDER, ENGINE_SUFFIX = "engines", ".engine"

TRAIN_STAGE, EXPORT_STAGE = "train", "export"
THRESHOLD_STAGE, INT8_STAGE = "calibrate", "calibrate-int8"


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """A step in the making of a bundle.

    name: in the manifest; a shell pattern where there may be several.
    command: what runs it, with BUNDLE for the bundle's path.
    sets: what else it changes in the manifest, for people.
    files: the files that it writes, as shell patterns, and what each holds.
    """

    name: str
    command: str
    sets: str = ""
    files: Mapping[str, str] = field(default_factory=dict)


PLAN = (
    PlannedStage(
        TRAIN_STAGE,
        f"slsg-edge train DATA -o {BUNDLE}",
        "detector, spec, preprocessing, tolerances, usual",
        {
            WEIGHTS_FILE: "the weights of the trained network",
            FRAMES_FILE: "good frames and simulated anomalies that an export is proved with",
            TRAINING_RECORD_FILE: "the sha256 of each image that was trained on or held out",
            GOOD_SCORES_FILE: "scores of good images that were not learned from, for the threshold",
        },
    ),
    PlannedStage(
        EXPORT_STAGE,
        f"slsg-edge export {BUNDLE}",
        files={
            MODEL_FILES["fp32"]: "the graph from pixels to score in FP32: the reference",
            MODEL_FILES["fp16"]: "the same graph in FP16, with an island that stays in FP32",
            GOLDEN_FILE: "golden frames, and what the trained network says of them",
        },
    ),
    PlannedStage(
        THRESHOLD_STAGE,
        f"slsg-edge calibrate {BUNDLE}",
        "threshold",
    ),
    PlannedStage(
        "threshold-*",
        f"slsg-edge calibrate {BUNDLE} --backend BACKEND --images DIR",
        "the entry of that backend in thresholds",
    ),
    PlannedStage(
        INT8_STAGE,
        f"slsg-edge calibrate {BUNDLE} --int8 --images DIR",
        files={
            MODEL_FILES["int8"]: "the graph with its convolutions in INT8 and the rest in FP16",
            INT8_RECORD_FILE: "what INT8 was measured to cost, layer group by layer group",
        },
    ),
    PlannedStage(
        "build-engine:*",
        f"slsg-edge build-engine {BUNDLE}",
        files={
            f"{ENGINE_FOLDER}/*{ENGINE_SUFFIX}": "a TensorRT engine",
            f"{ENGINE_FOLDER}/*.json": "what the engine is, what it was built for, its layers",
            f"{ENGINE_FOLDER}/*.cache": "TensorRT's timing cache, for the next build",
        },
    ),
)


def engine_stem(target: str, precision: "Precision") -> str:
    """Of the engine's file, its record's and its timing cache's, relative to the bundle."""
    return f"{ENGINE_FOLDER}/{target}-{precision}"


def engine_stage(target: str, precision: "Precision") -> str:
    return f"build-engine:{target}-{precision}"


def threshold_stage(backend: str | None) -> str:
    """The stage that finds a threshold: the reference's, or the own one of a backend."""
    return THRESHOLD_STAGE if backend is None else f"threshold-{backend}"


def require_planned(stage: str, files: Iterable[str]) -> None:
    """ValueError for a stage or a file that stands in no line of the plan."""
    planned = _planned(stage)
    if planned is None:
        raise ValueError(f"no stage '{stage}' is planned")
    for name in files:
        if not any(fnmatchcase(name, pattern) for pattern in planned.files):
            raise ValueError(f"the stage '{stage}' is not planned to write {name}")


def planned_command(stage: str) -> str:
    """With BUNDLE for the bundle's path; of what is not planned, what shows the bundle."""
    planned = _planned(stage)
    return planned.command if planned else f"slsg-edge info {BUNDLE}"


def _planned(stage: str) -> PlannedStage | None:
    return next((line for line in PLAN if fnmatchcase(stage, line.name)), None)


def command_that_writes(file: str, bundle: Path) -> str | None:
    """What to run for a file that is not there yet; None for one that no stage writes."""
    for stage in PLAN:
        if any(fnmatchcase(file, pattern) for pattern in stage.files):
            return command_for(stage.command, bundle)
    return None
