"""How far activations reach: on good images for INT8 scales, on the golden frames for FP16.

Warns of images that are not of the product.
"""

from collections.abc import Iterable, Iterator, Mapping

from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.golden import golden_from
from slsg_edge.bundle.plan import GOLDEN_FILE
from slsg_edge.calibration.images import Int8Images
from slsg_edge.calibration.ranges import Histogram, drift
from slsg_edge.data.loading import load_frames
from slsg_edge.export.graph import OnnxGraph, with_outputs
from slsg_edge.export.quantised import Convolution
from slsg_edge.export.rounding import ValueRange, activation_ranges
from slsg_edge.progress import progress
from slsg_edge.stages.activations import activations

USUAL_DRIFT = 0.03  # between images of one product under 0.01 was seen, of another from 0.07
DECODED_AT_ONCE = 16  # images


def input_histograms(
    bundle: Bundle, graph: OnnxGraph, convolutions: Iterable[Convolution], images: Int8Images
) -> dict[str, Histogram]:
    """Of every tensor that one of the convolutions reads, a few images at a time."""
    histograms = {convolution.input: Histogram() for convolution in convolutions}
    probe = with_outputs(graph, histograms)
    with progress("calibration images", len(images.paths)) as advance:
        for start in range(0, len(images.paths), DECODED_AT_ONCE):
            paths = images.paths[start : start + DECODED_AT_ONCE]
            frames = load_frames(paths, bundle.manifest.preprocessing)
            for path, values in zip(paths, activations(probe, frames), strict=True):
                for name, histogram in histograms.items():
                    histogram.add(values[name], f"{name} of {path}")
                advance()
    return histograms


def fp16_ranges(bundle: Bundle, graph: OnnxGraph) -> dict[str, ValueRange]:
    """What FP16 may have to hold, of every tensor on the golden frames."""
    golden = golden_from(bundle.content(GOLDEN_FILE))
    return activation_ranges(activations(with_outputs(graph, graph.activations()), golden.frames))


def drift_notes(
    bundle: Bundle, graph: OnnxGraph, histograms: Mapping[str, Histogram]
) -> Iterator[str]:
    """Warns of images that are not of this product, by what the golden frames make active."""
    golden = golden_from(bundle.content(GOLDEN_FILE))
    known = {name: Histogram() for name in histograms}
    for values in activations(with_outputs(graph, known), golden.frames):
        for name, histogram in known.items():
            histogram.add(values[name])
    off = drift(histograms, known)
    if off > USUAL_DRIFT:
        yield (
            f"These images make the network {off:.0%} more or less active than its own golden "
            f"frames; up to {USUAL_DRIFT:.0%} is usual. Are they of this product, and in its light?"
        )
