"""What a stage leaves behind for later ones: the settings in its line of the manifest, typed.

Written by the stage that a record is named after, read by whoever comes later. What an older
version did not record is None or empty.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.plan import EXPORT_STAGE, INT8_STAGE, TRAIN_STAGE
from slsg_edge.config import settings_from_table
from slsg_edge.contracts import Json, Precision
from slsg_edge.errors import BundleError, ConfigError


@dataclass(frozen=True, slots=True)
class TrainRecord:
    """Of a training.

    data_fingerprint: of the content of all images that were learned from.
    backbone_weights: as given; `imagenet`, `none` or a path.
    device: what it ran on.
    start: what a run must share with this one to be the same.
    settings: every setting of the run, as in TOML.
    """

    STAGE: ClassVar[str] = TRAIN_STAGE

    data_fingerprint: str | None = None
    backbone_weights: str | None = None
    device: str | None = None
    start: str | None = None
    settings: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExportRecord:
    """Of an export.

    batch: frames that the graph takes at a time; 1 or `dynamic`.
    difference, fp16_difference: of the graphs from the trained network, for people.
    keep_fp32: the patterns that the user gave.
    fp32_nodes: what stays in FP32 in the FP16 graph; fp32_reasons: how many by each rule.
    """

    STAGE: ClassVar[str] = EXPORT_STAGE

    batch: int | str = 1
    difference: str = ""
    fp16_difference: str = ""
    keep_fp32: tuple[str, ...] = ()
    fp32_nodes: tuple[str, ...] | None = None
    fp32_reasons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Int8Record:
    """Of an INT8 graph.

    method: where its scales clip.
    images, data_fingerprint: how many set the scales, and which.
    int8_nodes, fp32_nodes: what computes in INT8 and in FP32; the rest is FP16.
    """

    STAGE: ClassVar[str] = INT8_STAGE

    method: str = ""
    images: int = 0
    data_fingerprint: str | None = None
    int8_nodes: tuple[str, ...] | None = None
    fp32_nodes: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class ThresholdRecord:
    """Of a threshold.

    backend: whose scores it was found on; method: how.
    images: how many good scores it is from; reviewed: how many of them are rejects of the line.
    data_fingerprint: of those images; false_alarm_rate: what it was found for.
    chosen_by: what the rate was chosen by; none for a threshold by hand.
    defects: how many were counted at its operating points. With costs it was chosen among these
    by what is missed of them; without costs no defect took part in the choice.
    cost_miss, cost_false_alarm, defect_rate: the costs, and the share of parts taken as defective.
    """

    backend: str
    method: str
    images: int
    reviewed: int
    data_fingerprint: str | None
    false_alarm_rate: float | None
    chosen_by: str | None = None
    defects: int | None = None
    cost_miss: float | None = None
    cost_false_alarm: float | None = None
    defect_rate: float | None = None


@dataclass(frozen=True, slots=True)
class EngineRecord:
    """Of an engine: what it was built for, and the precision of its graph."""

    target: str
    precision: Precision


Record = TypeVar("Record", ExportRecord, Int8Record)


def settings_of(record: Any) -> dict[str, Json]:
    """A record as it stands in the manifest; a training's settings stand beside its own."""
    table: dict[str, Json] = json.loads(json.dumps(dataclasses.asdict(record)))
    if isinstance(record, TrainRecord):
        settings = table.pop("settings")
        assert isinstance(settings, dict)
        table |= settings
    return table


def record_of(bundle: Bundle, kind: type[Record]) -> Record:
    """What a stage left, all defaults when it has not run; BundleError when it is damaged."""
    stage = bundle.manifest.stages.get(kind.STAGE)
    names = {entry.name for entry in dataclasses.fields(kind)}
    table = {} if stage is None else stage.settings
    try:
        return settings_from_table(
            kind, {key: value for key, value in table.items() if key in names}, kind.STAGE
        )
    except ConfigError as error:
        raise BundleError(
            f"{bundle.path}: the record of '{kind.STAGE}' is damaged: {error.what}",
            fix=f"Run: {bundle.command_of(kind.STAGE)}",
        ) from error


def train_record_of(bundle: Bundle) -> TrainRecord:
    """All defaults for a bundle that was never trained here, as after `import-slsg`."""
    stage = bundle.manifest.stages.get(TRAIN_STAGE)
    table = {} if stage is None else dict(stage.settings)
    own = {
        entry.name: _text(table.pop(entry.name, None))
        for entry in dataclasses.fields(TrainRecord)
        if entry.name != "settings"
    }
    return TrainRecord(**own, settings=table)


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None
