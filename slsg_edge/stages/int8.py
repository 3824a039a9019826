"""The INT8 stage: activation ranges from good images, sensitivity by measurement, one Q/DQ graph.

What INT8 may cost is stated before; groups of layers that cost more stay in FP16.
"""

import json
import time
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.golden import golden_from_file
from slsg_edge.bundle.plan import GOLDEN_FILE, INT8_RECORD_FILE, INT8_STAGE, MODEL_FILES
from slsg_edge.bundle.records import ExportRecord, Int8Record, record_of, settings_of
from slsg_edge.calibration.images import RangeImages, choose_range_images
from slsg_edge.calibration.ranges import Histogram, Method, clipping_value, drift
from slsg_edge.calibration.sensitivity import TRIES, Budget, Choice, Damage, choose_groups
from slsg_edge.config import require
from slsg_edge.data.loading import load_frames
from slsg_edge.data.splits import fingerprint
from slsg_edge.errors import ExportError
from slsg_edge.export.graph import Graph, graph_from_bytes, with_outputs
from slsg_edge.export.precision import HalfGraph, half_graph
from slsg_edge.export.quantised import (
    Convolution,
    convolutions_of,
    cost_of,
    groups_of,
    quantised_from_graph,
)
from slsg_edge.export.rounding import ValueRange, activation_ranges
from slsg_edge.machine.versions import tool_versions
from slsg_edge.progress import progress
from slsg_edge.stages.activations import activations
from slsg_edge.stages.int8_meter import Int8Meter, labelled_frames, threshold_frames

DRIFT = 0.03  # between images of one product under 0.01 was seen, of another from 0.07
CHUNK = 16  # images decoded at a time


@dataclass(frozen=True, slots=True)
class Int8Settings:
    """How to quantise: `images` is how many good ones set the scales.

    `false_alarms`: the rate of the threshold that INT8 will get, which judges its verdicts then;
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
    """One group of convolutions: its share of the multiply-adds, what INT8 saves and costs."""

    name: str
    convolutions: int
    share: float
    saved_mb: float
    alone: Damage
    int8: bool


@dataclass(frozen=True, slots=True)
class Quantised:
    """`share`: of the multiply-adds that run in INT8. `labelled`: images the AUROC is from."""

    bundle: Bundle
    groups: tuple[GroupReport, ...]
    damage: Damage
    share: float
    images: int
    labelled: int
    megabytes: float
    reference_mb: float
    notes: tuple[str, ...]


def quantise_bundle(
    bundle: Bundle, folder: Path, settings: Int8Settings, command: str
) -> Quantised:
    """Writes model.int8.onnx and int8.json.

    DatasetError for too few images or NaN in calibration; ExportError for a graph that is not
    ours, and when no group of layers can be INT8 within the budget.
    """
    started = time.monotonic()
    reference = bundle.file(MODEL_FILES["fp32"])
    graph = graph_from_bytes(reference.read_bytes(), reference)
    rate = settings.false_alarms
    fresh = None if rate is None else threshold_frames(bundle, folder, rate)
    images = choose_range_images(folder, settings.images)
    # what the user kept in FP32 at the export, since FP16 spoils it: INT8 would too
    patterns = record_of(bundle, ExportRecord).keep_fp32
    convolutions = _convolutions(graph, patterns, reference)
    histograms = _histograms(bundle, graph, convolutions, images)
    clips = {name: clipping_value(found, settings.method) for name, found in histograms.items()}
    groups = groups_of(convolutions)
    frames = labelled_frames(folder, bundle.manifest.preprocessing)
    writer = _Writer(graph, clips, groups, _ranges(bundle, graph), patterns)
    shares = {name: cost_of(members) / cost_of(convolutions) for name, members in groups.items()}
    meter = Int8Meter(bundle, frames, images.paths, fresh)
    choice = _choose(writer, shares, meter, settings.budget)
    _require_some(choice, bundle)
    half = writer.graph_of(choice.int8)
    reports = tuple(
        _report(graph, name, members, shares[name], choice) for name, members in groups.items()
    )
    record = Int8Record(
        settings.method,
        len(images.paths),
        fingerprint(images.hashes),
        int8_nodes=tuple(writer.nodes_of(choice.int8)),
        fp32_nodes=tuple(half.kept),
    )
    new = bundle.commit(
        INT8_STAGE,
        {
            MODEL_FILES["int8"]: half.content,
            INT8_RECORD_FILE: _record(settings, images, clips, reports, choice.damage),
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
        choice.damage,
        share=sum(report.share for report in reports if report.int8),
        images=len(images.paths),
        labelled=0 if frames is None else len(frames.labels),
        megabytes=len(half.content) / 1e6,
        reference_mb=reference.stat().st_size / 1e6,
        notes=tuple(_notes(bundle, graph, histograms)),
    )


def _convolutions(graph: Graph, patterns: tuple[str, ...], model: Path) -> tuple[Convolution, ...]:
    found = convolutions_of(graph, patterns)
    if not found:
        raise ExportError(
            f"{model} has no convolution that could be INT8.",
            fix="Stay with FP16, the default, or export again with fewer --keep-fp32.",
        )
    return found


def _histograms(
    bundle: Bundle, graph: Graph, convolutions: Iterable[Convolution], images: RangeImages
) -> dict[str, Histogram]:
    """Of every tensor that one of the convolutions reads, a few images at a time."""
    histograms = {found.input: Histogram() for found in convolutions}
    probe = with_outputs(graph, histograms)
    with progress("calibration images", len(images.paths)) as advance:
        for start in range(0, len(images.paths), CHUNK):
            paths = images.paths[start : start + CHUNK]
            frames = load_frames(paths, bundle.manifest.preprocessing)
            for path, values in zip(paths, activations(probe, frames), strict=True):
                for name, histogram in histograms.items():
                    histogram.add(values[name], f"{name} of {path}")
                advance()
    return histograms


class _Writer:
    """Graphs with any groups in INT8, in their final form: what is not INT8 is FP16."""

    def __init__(
        self,
        graph: Graph,
        clips: Mapping[str, float],
        groups: Mapping[str, tuple[Convolution, ...]],
        ranges: Mapping[str, ValueRange],
        patterns: tuple[str, ...],
    ) -> None:
        self._graph, self._clips = graph, clips
        self._groups, self._ranges = groups, ranges
        self._patterns = patterns

    def graph_of(self, int8: Container[str]) -> HalfGraph:
        content = quantised_from_graph(self._graph, self._clips, self.nodes_of(int8))
        return half_graph(graph_from_bytes(content), self._ranges, self._patterns)

    def nodes_of(self, int8: Container[str]) -> list[str]:
        """The names of the convolutions of some groups."""
        chosen = (members for group, members in self._groups.items() if group in int8)
        return [found.name for members in chosen for found in members]


def _ranges(bundle: Bundle, graph: Graph) -> dict[str, ValueRange]:
    """What FP16 may have to hold, of every tensor on the golden frames."""
    golden = golden_from_file(bundle.file(GOLDEN_FILE))
    return activation_ranges(activations(with_outputs(graph, graph.activations()), golden.frames))


def _choose(
    writer: _Writer, shares: Mapping[str, float], meter: Int8Meter, budget: Budget
) -> Choice:
    most = len(shares) + TRIES
    with progress("sensitivity of layers", most) as advance:

        def measure(int8: frozenset[str]) -> Damage:
            advance()
            return meter.damage(writer.graph_of(int8).content)

        return choose_groups(shares, measure, budget)


def _require_some(choice: Choice, bundle: Bundle) -> None:
    if not choice.int8:
        raise ExportError(
            f"{bundle.path}: no group of layers can be INT8 within the budget.",
            fix="Stay with FP16, the default, or allow more: --auroc-drop, --rank.",
        )


def _report(
    graph: Graph, name: str, members: tuple[Convolution, ...], share: float, choice: Choice
) -> GroupReport:
    weights = sum(graph.array(found.weights).nbytes for found in members)
    return GroupReport(
        name,
        len(members),
        share=share,
        saved_mb=weights * 0.75 / 1e6,  # four bytes become one
        alone=choice.alone[name],
        int8=name in choice.int8,
    )


def _notes(bundle: Bundle, graph: Graph, histograms: Mapping[str, Histogram]) -> Iterator[str]:
    """Warns of images that are not of this product, by what the golden frames make active."""
    golden = golden_from_file(bundle.file(GOLDEN_FILE))
    known = {name: Histogram() for name in histograms}
    for values in activations(with_outputs(graph, known), golden.frames):
        for name, histogram in known.items():
            histogram.add(values[name])
    off = drift(histograms, known)
    if off > DRIFT:
        yield (
            f"These images make the network {off:.0%} more or less active than its own golden "
            f"frames; up to {DRIFT:.0%} is usual. Are they of this product, and in its light?"
        )


def _record(
    settings: Int8Settings,
    images: RangeImages,
    clips: Mapping[str, float],
    reports: tuple[GroupReport, ...],
    damage: Damage,
) -> bytes:
    """What was measured and from which images, for whoever doubts the INT8 graph."""
    table = {
        "method": settings.method,
        "budget": asdict(settings.budget),
        "false_alarms": settings.false_alarms,
        "images": images.hashes,
        "clips": dict(clips),
        "groups": [asdict(report) for report in reports],
        "damage": asdict(damage),
    }
    return json.dumps(table, indent=1).encode()
