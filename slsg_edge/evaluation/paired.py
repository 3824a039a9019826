"""Two detectors on the same test images: what they differ by, and on which images.

Two bundles, or two backends of one. Each is judged by its own threshold. An image that one of
them could not score counts in no figure, for then there is no pair.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from slsg_edge.bench.race import LatencyComparison, compare_latency, rounds_of
from slsg_edge.bundle.folder import Bundle
from slsg_edge.contracts import Outcome, Sample
from slsg_edge.data.dataset import Dataset
from slsg_edge.data.saturation import defect_rules
from slsg_edge.errors import ConfigError, DatasetError
from slsg_edge.evaluation.evaluate import Row, row_of, test_samples
from slsg_edge.evaluation.pixel import PixelEvaluation, no_figures
from slsg_edge.images import read_image
from slsg_edge.metrics.differences import (
    Change,
    auroc_change_by_kind,
    error_changes,
    image_changes,
    pixel_changes,
)
from slsg_edge.preprocessing import Preprocessing, prepare
from slsg_edge.progress import Bars, no_progress
from slsg_edge.runtime.detector import BackendChoice, GraphDetector, open_choice
from slsg_edge.runtime.frame_check import FrameCheck, frame_check_of
from slsg_edge.runtime.judged import Judged, threshold_for
from slsg_edge.scoring import Threshold

TIMED = 32  # images that the latency is measured on, in turn


@dataclass(frozen=True, slots=True)
class Side:
    """What is compared: a bundle on a backend, by a name that tells it from the other."""

    name: str
    bundle: Bundle
    choice: BackendChoice


@dataclass(frozen=True, slots=True)
class Contestant:
    """A side that is ready: its detector, and what judges its scores."""

    name: str
    detector: GraphDetector
    threshold: Threshold
    preprocessing: Preprocessing
    check: FrameCheck | None = None

    @property
    def judged(self) -> Judged:
        """What gives its verdicts, by the rule of the line."""
        shape = (self.preprocessing.height, self.preprocessing.width)
        return Judged(self.detector, self.threshold, shape, check=self.check)


Both: TypeAlias = tuple[Contestant, Contestant]


@dataclass(frozen=True, slots=True)
class Pair:
    """One image and what both say of it."""

    first: Row
    second: Row

    @property
    def sample(self) -> Sample:
        return self.first.sample

    @property
    def changed(self) -> bool:
        return self.first.outcome != self.second.outcome

    @property
    def scored(self) -> bool:
        return self.first.score is not None and self.second.score is not None

    @property
    def effect(self) -> str:
        """What the second makes of an image that changes: `right now`, `wrong now` or neither."""
        truth: Outcome = "good" if self.sample.good else "anomalous"
        if self.second.outcome == truth:
            return "right now"
        return "undecided now" if self.second.outcome == "undecided" else "wrong now"


@dataclass(frozen=True, slots=True)
class PairedEvaluation:
    """What two detectors differ by, and on which images.

    `changes` by metric over all kinds; `kinds`: image AUROC of each. No latency without images
    that can be read. `warnings`: why the comparison may say nothing.
    """

    names: tuple[str, str]
    thresholds: tuple[float, float]
    pairs: tuple[Pair, ...]
    changes: Mapping[str, Change]
    kinds: Mapping[str, Change] = field(default_factory=dict)
    latency: LatencyComparison | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def changed(self) -> tuple[Pair, ...]:
        """What is wrong now first, then what is right now."""
        order = ("wrong now", "undecided now", "right now")
        changed = (pair for pair in self.pairs if pair.changed)
        return tuple(sorted(changed, key=lambda pair: order.index(pair.effect)))

    def count(self, effect: str) -> int:
        return sum(pair.effect == effect for pair in self.changed)


def sides_of(choices: Sequence[tuple[Bundle, BackendChoice]]) -> tuple[Side, Side]:
    """Two sides, named by what differs; ConfigError when nothing does."""
    (bundle, choice), (other, other_choice) = choices
    same_bundle = bundle.path.resolve() == other.path.resolve()
    same_backend = choice.backend == other_choice.backend
    if same_bundle and same_backend:
        raise ConfigError(
            f"Both sides are {bundle.path} on {choice.backend}.",
            fix="Give two bundles, or two backends of one: --backend NAME,NAME.",
        )
    named = [_bundle_names(bundle, other), (choice.backend, other_choice.backend)]
    shown = [
        names for names, same in zip(named, (same_bundle, same_backend), strict=True) if not same
    ]
    first, second = (" ".join(parts) for parts in zip(*shown, strict=True))
    return Side(first, bundle, choice), Side(second, other, other_choice)


@contextmanager
def open_sides(sides: tuple[Side, Side]) -> Iterator[Both]:
    """Both, ready for their first frame; BundleError where one has no threshold."""
    with ExitStack() as stack:
        first, second = (_contestant(side, stack) for side in sides)
        yield first, second


def compare_detectors(
    both: Both, dataset: Dataset, frames: int, bars: Bars = no_progress
) -> PairedEvaluation:
    """`frames`: how many the latency is measured on; 0 leaves it out."""
    samples = test_samples(dataset)
    rules = defect_rules(dataset.folder)
    with (
        PixelEvaluation(both[0].preprocessing, rules) as first,
        PixelEvaluation(both[1].preprocessing, rules) as second,
    ):
        pairs = []
        with bars("test images", len(samples)) as advance:
            for sample in samples:
                rows = (
                    row_of(side.judged, sample, side.preprocessing, pixels)
                    for side, pixels in zip(both, (first, second), strict=True)
                )
                pairs.append(Pair(*rows))
                advance()
        on_pixels, pixel_notes = _pixel_changes(first, second)
    scored = [pair for pair in pairs if pair.scored]
    on_images, kinds, image_notes = _image_changes(scored)
    return PairedEvaluation(
        names=(both[0].name, both[1].name),
        thresholds=(both[0].threshold.value, both[1].threshold.value),
        pairs=tuple(pairs),
        changes={**_error_changes(scored), **on_images, **on_pixels},
        kinds=kinds,
        latency=_latency(both, samples, frames, bars) if frames else None,
        notes=(*_left_out(len(pairs) - len(scored)), *_regions(both), *image_notes, *pixel_notes),
    )


def _image_changes(
    pairs: Sequence[Pair],
) -> tuple[dict[str, Change], dict[str, Change], tuple[str, ...]]:
    """Over all kinds, for each kind, and what to know."""
    kinds = [pair.sample.kind for pair in pairs]
    scores = [[side.score or 0.0 for side in (pair.first, pair.second)] for pair in pairs]
    first, second = np.array(scores).reshape(-1, 2).T
    try:
        changes = image_changes(first, second, kinds)
    except ValueError as error:
        return {}, {}, (no_figures("image", error),)
    return changes, auroc_change_by_kind(first, second, kinds), ()


def _error_changes(pairs: Sequence[Pair]) -> dict[str, Change]:
    wrong = [[_is_wrong(pair.first), _is_wrong(pair.second)] for pair in pairs]
    first, second = np.array(wrong, bool).reshape(-1, 2).T
    return error_changes(first, second, [pair.sample.kind for pair in pairs])


def _is_wrong(row: Row) -> bool:
    return (row.outcome == "good") != row.sample.good


def _pixel_changes(
    first: PixelEvaluation, second: PixelEvaluation
) -> tuple[dict[str, Change], tuple[str, ...]]:
    """Over the images that both have a map of."""
    places = [
        {sample.image: place for place, sample in enumerate(side.samples)}
        for side in (first, second)
    ]
    shared = [sample for sample in first.samples if sample.image in places[1]]
    chosen = [[place[sample.image] for sample in shared] for place in places]
    kinds = [sample.kind for sample in shared]
    left_out = tuple(dict.fromkeys((*first.left_out(), *second.left_out())))
    try:
        changes = pixel_changes((first.maps, chosen[0]), (second.maps, chosen[1]), kinds)
    except ValueError as error:
        return {}, (no_figures("pixel", error), *left_out)
    return changes, left_out


def _latency(
    both: Sequence[Contestant], samples: Sequence[Sample], frames: int, bars: Bars
) -> LatencyComparison | None:
    images = []
    for sample in samples:
        try:
            images.append(read_image(sample.image, both[0].preprocessing.depth))
        except DatasetError:
            continue
        if len(images) == min(TIMED, frames):
            break
    if not images:
        return None
    prepared = {
        side.name: np.stack([prepare(image, side.preprocessing) for image in images])
        for side in both
    }
    with bars("rounds", rounds_of(frames)) as advance:
        detectors = {side.name: side.detector for side in both}
        return compare_latency(detectors, prepared, frames, advance)


def _contestant(side: Side, stack: ExitStack) -> Contestant:
    detector = stack.enter_context(closing(open_choice(side.bundle, side.choice)))
    threshold = threshold_for(side.bundle, side.choice, detector)
    preprocessing = side.bundle.manifest.preprocessing
    return Contestant(side.name, detector, threshold, preprocessing, frame_check_of(side.bundle))


def _bundle_names(first: Bundle, second: Bundle) -> tuple[str, str]:
    """Without what they share; whole paths where the names are the same."""
    if first.path.name == second.path.name:
        return str(first.path), str(second.path)
    return first.path.stem, second.path.stem


def _left_out(count: int) -> list[str]:
    return [f"Undecided by one or both, so in no figure: {count}."] if count else []


def _regions(both: Both) -> list[str]:
    if both[0].preprocessing.roi == both[1].preprocessing.roi:
        return []
    return ["Their regions of interest differ, so their pixel figures are of other pixels."]
