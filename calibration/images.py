"""Which good images a threshold or INT8 scales are found from, and their scores.

A score of an image that was trained on is lower than that of a new part, so it does not count.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from slsg_edge.bundle.training_record import TrainedOn
from slsg_edge.calibration.threshold import MINIMUM
from slsg_edge.contracts import Detector
from slsg_edge.data.dataset import Dataset
from slsg_edge.data.layouts import good_images, read_dataset
from slsg_edge.data.splits import content_hash, fingerprint
from slsg_edge.errors import DatasetError
from slsg_edge.images import read_image


@dataclass(frozen=True, slots=True)
class GoodImages:
    """The images, the sha256 of each, ascending, and what the user should know of them."""

    paths: tuple[Path, ...]
    hashes: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.hashes)


def choose_good_images(folder: Path, trained: TrainedOn | None) -> GoodImages:
    """The good images of `folder` that were not trained on, each content once.

    A data set gives its `validation/good`, or what training held out of `train/good`; a plain
    folder everything. Where a plain folder holds too few others, those trained on count as well,
    and a note warns.
    """
    dataset = read_dataset(folder)
    own = not dataset.of("validation", good=True) and dataset.layout != "plain"
    paths = _training_images(dataset) if own and trained else good_images(folder)
    by_content = {content_hash(path): path for path in reversed(paths)}
    known = trained.train if trained else frozenset()
    fresh = {digest: path for digest, path in by_content.items() if digest not in known}
    enough = own or len(fresh) >= MINIMUM
    chosen = fresh if enough else by_content
    notes = _notes(len(paths) - len(by_content), len(by_content) - len(fresh), enough, own)
    return GoodImages(tuple(sorted(chosen.values())), tuple(sorted(chosen)), tuple(notes))


def scores_of(
    detector: Detector, paths: Iterable[Path], progress: Callable[[], None] | None = None
) -> list[float]:
    """The image scores in the order given; `progress` is called once per image."""
    scores = []
    for path in paths:
        scores.append(detector.detect(read_image(path)).image_score)
        if progress:
            progress()
    return scores


def _training_images(dataset: Dataset) -> list[Path]:
    return [sample.image for sample in dataset.of("train", good=True)]


def _notes(copies: int, trained: int, enough: bool, own: bool) -> list[str]:
    notes = []
    if copies:
        notes.append(f"Copies of other images, which count once: {copies}.")
    if trained and not enough:
        notes.append(
            f"The detector was trained on {trained} of these images, so the threshold comes out "
            "too low. Give good images that were not trained on."
        )
    elif trained and not own:
        notes.append(f"Left out, since the detector was trained on them: {trained} images.")
    return notes


@dataclass(frozen=True, slots=True)
class RangeImages:
    """The good images whose activations set the INT8 scales, and the sha256 of each."""

    paths: tuple[Path, ...]
    hashes: tuple[str, ...]


def choose_range_images(folder: Path, count: int) -> RangeImages:
    """`count` good images of `folder`, or all where there are fewer, each content once.

    By content hash, so that the same images are chosen whatever their names and order; those
    that were trained on count too, for they show how far activations reach. DatasetError for
    fewer than MINIMUM.
    """
    dataset = read_dataset(folder)
    samples = (*dataset.of("train", good=True), *dataset.of("validation", good=True))
    by_content = {content_hash(sample.image): sample.image for sample in samples}
    if len(by_content) < MINIMUM:
        raise DatasetError(
            f"{folder} holds {len(by_content)} good images; INT8 scales need at least {MINIMUM}.",
            fix="Add good images, up to about 64; more change little.",
        )
    chosen = sorted(by_content)[:count]
    return RangeImages(tuple(by_content[digest] for digest in chosen), tuple(chosen))
