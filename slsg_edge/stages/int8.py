"""The INT8 stage: activation ranges from good images, sensitivity by measurement, one Q/DQ graph.

What INT8 may cost is stated before; groups of layers that cost more stay in FP16. The cost is
measured on good images and on anomalies simulated in them, never on test images.
"""

import importlib.util
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.plan import GOLDEN_FILE, INT8_RECORD_FILE, INT8_STAGE, MODEL_FILES
from slsg_edge.bundle.records import ExportRecord, Int8Record, record_of, settings_of
from slsg_edge.bundle.training_record import trained_on
from slsg_edge.calibration.images import (
    Int8Images,
    choose_comparison_images,
    choose_range_images,
)
from slsg_edge.calibration.ranges import Method, clipping_value
from slsg_edge.calibration.sensitivity import (
    MOST_SETS,
    Budget,
    ChosenGroups,
    Int8Damage,
    choose_groups,
)
from slsg_edge.config import require
from slsg_edge.data.splits import fingerprint
from slsg_edge.errors import ExportError
from slsg_edge.export.graph import OnnxGraph, graph_from_bytes
from slsg_edge.export.quantised import (
    Convolution,
    Int8Writer,
    convolutions_of,
    cost_of,
    groups_of,
)
from slsg_edge.machine.versions import tool_versions
from slsg_edge.progress import progress
from slsg_edge.stages.int8_comparison import (
    MOST_OF_EACH,
    AurocsOnTest,
    Int8Comparison,
    aurocs_on_test,
    comparison_frames,
    labelled_test_frames,
    threshold_frames,
)
from slsg_edge.stages.int8_ranges import drift_notes, fp16_ranges, input_histograms
from slsg_edge.stages.threshold import Calibrated, Choice, calibrate

INT8_BACKEND = "openvino-int8"  # the one that runs INT8 on a CPU


@dataclass(frozen=True, slots=True)
class Int8Settings:
    """How to quantise.

    method: where scales clip.
    images: how many good ones set the scales.
    budget: what INT8 may cost.
    false_alarms: the rate of the threshold that INT8 will get, which judges its verdicts then;
    None leaves them to the reference's.
    """

    method: Method = "mse"
    images: int = 64
    budget: Budget = field(default_factory=Budget)
    false_alarms: float | None = None

    def __post_init__(self) -> None:
        require(self.images >= 1, f"{self.images} images set no scale.", "Give 64.")


@dataclass(frozen=True, slots=True)
class GroupReport:
    """One group of convolutions, and what INT8 in it saves and costs.

    name: the path of its modules.
    convolutions: how many there are.
    share: of the multiply-adds.
    saved_mb: by what INT8 makes its weights smaller.
    alone: what INT8 in this group alone costs.
    int8: whether it is INT8 in the graph that was written.
    """

    name: str
    convolutions: int
    share: float
    saved_mb: float
    alone: Int8Damage
    int8: bool


@dataclass(frozen=True, slots=True)
class Quantised:
    """The INT8 graph that was written, and what it saves and costs.

    bundle: with the graph.
    groups: all of them, in the order of the graph.
    damage: what INT8 in the chosen groups costs.
    share: of the multiply-adds that run in INT8.
    images: good images that the scales are from.
    compared: good images that the cost was measured on, and as many simulated anomalies.
    test: the AUROC on labelled test images, None where there are none; nothing was chosen by it.
    megabytes, reference_mb: the size of the graph, and of the one in FP32.
    notes: what the user should know of the images.
    """

    bundle: Bundle
    groups: tuple[GroupReport, ...]
    damage: Int8Damage
    share: float
    images: int
    compared: int
    test: AurocsOnTest | None
    megabytes: float
    reference_mb: float
    notes: tuple[str, ...]


def calibrate_int8(
    bundle: Bundle, images: Path, settings: Int8Settings, command: str
) -> tuple[Quantised, Calibrated | None]:
    """`quantise_bundle`, then the threshold that INT8's own scores need.

    No threshold where nothing runs INT8; the reference's judges the choice of layers then.
    """
    if not runs_int8():
        settings = replace(settings, false_alarms=None)
        return quantise_bundle(bundle, images, settings, command), None
    done = quantise_bundle(bundle, images, settings, command)
    choice = Choice(settings.false_alarms, replaced=True)
    return done, calibrate(done.bundle, images, choice, INT8_BACKEND, command=command)


def runs_int8() -> bool:
    """Whether anything here does, and the scores of INT8 can be had."""
    return importlib.util.find_spec("openvino") is not None


def quantise_bundle(
    bundle: Bundle, folder: Path, settings: Int8Settings, command: str
) -> Quantised:
    """Writes model.int8.onnx and int8.json.

    DatasetError for too few images or NaN in calibration; ExportError for a graph that is not
    ours, and when no group of layers can be INT8 within the budget.
    """
    started = time.monotonic()
    reference = bundle.content(MODEL_FILES["fp32"])
    graph = graph_from_bytes(reference.data, reference.path)
    rate = settings.false_alarms
    fresh = None if rate is None else threshold_frames(bundle, folder, rate)
    images = choose_range_images(folder, settings.images)
    # what the user kept in FP32 at the export, since FP16 spoils it: INT8 would too
    patterns = record_of(bundle, ExportRecord).keep_fp32
    convolutions = _convolutions(graph, patterns, reference.path)
    histograms = input_histograms(bundle, graph, convolutions, images)
    clips = {name: clipping_value(reach, settings.method) for name, reach in histograms.items()}
    groups = groups_of(convolutions)
    compared = choose_comparison_images(folder, trained_on(bundle), MOST_OF_EACH)
    test_frames = labelled_test_frames(folder, bundle.manifest.preprocessing)
    writer = Int8Writer(graph, clips, groups, fp16_ranges(bundle, graph), patterns)
    shares = {name: cost_of(members) / cost_of(convolutions) for name, members in groups.items()}
    comparison = Int8Comparison(bundle, comparison_frames(bundle, compared.paths), fresh)
    chosen = _choose(writer, shares, comparison, settings.budget)
    _require_some(chosen, bundle)
    half = writer.graph_of(chosen.int8)
    test = None if test_frames is None else aurocs_on_test(bundle, half.content, test_frames)
    reports = tuple(
        _report(graph, name, members, shares[name], chosen) for name, members in groups.items()
    )
    record = Int8Record(
        settings.method,
        len(images.paths),
        fingerprint(images.hashes),
        int8_nodes=tuple(writer.nodes_of(chosen.int8)),
        fp32_nodes=tuple(half.kept),
    )
    new = bundle.commit(
        INT8_STAGE,
        {
            MODEL_FILES["int8"]: half.content,
            INT8_RECORD_FILE: _measured(
                settings, images, compared, clips, reports, chosen.damage, test
            ),
        },
        command=command,
        started=started,
        inputs=(MODEL_FILES["fp32"], GOLDEN_FILE),
        tools=tool_versions("onnx", "onnxruntime", "openvino"),
        settings=settings_of(record),
    )
    return Quantised(
        new,
        reports,
        chosen.damage,
        share=sum(report.share for report in reports if report.int8),
        images=len(images.paths),
        compared=len(compared.paths),
        test=test,
        megabytes=len(half.content) / 1e6,
        reference_mb=len(reference.data) / 1e6,
        notes=tuple(drift_notes(bundle, graph, histograms)),
    )


def _convolutions(
    graph: OnnxGraph, patterns: tuple[str, ...], model: Path
) -> tuple[Convolution, ...]:
    convolutions = convolutions_of(graph, patterns)
    if not convolutions:
        raise ExportError(
            f"{model} has no convolution that could be INT8.",
            fix="Stay with FP16, the default, or export again with fewer --keep-fp32.",
        )
    return convolutions


def _choose(
    writer: Int8Writer, shares: Mapping[str, float], comparison: Int8Comparison, budget: Budget
) -> ChosenGroups:
    most = len(shares) + MOST_SETS
    with progress("sensitivity of layers", most) as advance:

        def measure(int8: frozenset[str]) -> Int8Damage:
            advance()
            return comparison.damage(writer.graph_of(int8).content)

        return choose_groups(shares, measure, budget)


def _require_some(chosen: ChosenGroups, bundle: Bundle) -> None:
    if not chosen.int8:
        raise ExportError(
            f"{bundle.path}: no group of layers can be INT8 within the budget.",
            fix="Stay with FP16, the default, or allow more: --auroc-drop, --rank.",
        )


def _report(
    graph: OnnxGraph,
    name: str,
    members: tuple[Convolution, ...],
    share: float,
    chosen: ChosenGroups,
) -> GroupReport:
    weights = sum(graph.array(convolution.weights).nbytes for convolution in members)
    return GroupReport(
        name,
        len(members),
        share=share,
        saved_mb=weights * 0.75 / 1e6,  # four bytes become one
        alone=chosen.alone[name],
        int8=name in chosen.int8,
    )


def _measured(
    settings: Int8Settings,
    images: Int8Images,
    compared: Int8Images,
    clips: Mapping[str, float],
    reports: tuple[GroupReport, ...],
    damage: Int8Damage,
    test: AurocsOnTest | None,
) -> bytes:
    """What was measured and from which images, for whoever doubts the INT8 graph."""
    table = {
        "method": settings.method,
        "budget": asdict(settings.budget),
        "false_alarms": settings.false_alarms,
        "images": images.hashes,
        "compared": compared.hashes,
        "clips": dict(clips),
        "groups": [asdict(report) for report in reports],
        "damage": asdict(damage),
        "test": None if test is None else {**asdict(test), "note": str(test)},
    }
    return json.dumps(table, indent=1).encode()
