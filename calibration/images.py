"""Which good images a threshold or INT8 is found from, and their scores.

A score of an image that was trained on is lower than that of a new part, so it does not count.
Test images are never among them.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from slsg_edge.bundle.training_record import TrainedOn
from slsg_edge.calibration.threshold import FEWEST_IMAGES
from slsg_edge.contracts import Detector
from slsg_edge.data.dataset import Dataset
from slsg_edge.data.layouts import good_images, read_dataset
from slsg_edge.data.splits import content_hash, fingerprint
from slsg_edge.errors import DatasetError
from slsg_edge.images import read_image
from slsg_edge.runtime.frame_check import FrameCheck
from slsg_edge.scoring import expit, logit


@dataclass(frozen=True, slots=True)
class GoodImages:
    """The images that a threshold is found from.

    paths: ascending.
    hashes: the sha256 of each, ascending.
    notes: what the user should know of them.
    acquisitions: of each, by its hash; the folder's name where nobody said.
    """

    paths: tuple[Path, ...]
    hashes: tuple[str, ...]
    notes: tuple[str, ...]
    acquisitions: Mapping[str, str] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.hashes)


def choose_good_images(
    folder: Path, trained: TrainedOn | None, known: Collection[str] = ()
) -> GoodImages:
    """The good images of `folder` that were not trained on, each content once.

    A data set gives its `validation/good`, or what training held out of `train/good`; a plain
    folder everything. Where a plain folder holds too few others, those trained on count as well,
    and a note warns.

    known: sha256 of images whose scores are worth as much as if they had not been trained on;
    they count, and so does all of `train/good`.
    """
    dataset = read_dataset(folder)
    if known:
        return _with_known(dataset, trained, known)
    held_out = not dataset.of("validation", good=True) and dataset.layout != "plain"
    paths = _training_images(dataset) if held_out and trained else good_images(folder)
    by_content = {content_hash(path): path for path in reversed(paths)}
    fresh = _not_trained_on(by_content, trained)
    enough = held_out or len(fresh) >= FEWEST_IMAGES
    chosen = fresh if enough else by_content
    notes = _notes(len(paths) - len(by_content), len(by_content) - len(fresh), enough, held_out)
    notes += dataset.notes
    return GoodImages(tuple(sorted(chosen.values())), tuple(sorted(chosen)), tuple(notes))


def _with_known(dataset: Dataset, trained: TrainedOn | None, known: Collection[str]) -> GoodImages:
    samples = (*dataset.of("train", good=True), *dataset.of("validation", good=True))
    found = {content_hash(sample.image): sample for sample in reversed(samples)}
    learned = (trained.train if trained else frozenset()) - set(known)
    chosen = {digest: sample for digest, sample in found.items() if digest not in learned}
    if not chosen:
        raise DatasetError(
            f"{dataset.folder} holds no good image that was not trained on.",
            fix="Give good images that the detector has not seen.",
        )
    notes = _notes(len(samples) - len(found), len(found) - len(chosen), True, False)
    return GoodImages(
        tuple(sorted(sample.image for sample in chosen.values())),
        tuple(sorted(chosen)),
        (*notes, *dataset.notes),
        {digest: sample.acquisition or dataset.folder.name for digest, sample in chosen.items()},
    )


def moved(left_out: float, reference: float, backend: float) -> float:
    """What a backend would score an image without having learned from it.

    left_out: the reference's score by what it came to without that image; reference, backend: what
    both say of it now. A backend moves a score in logits by what it moves that of the same image.
    """
    return expit(logit(left_out) + logit(backend) - logit(reference))


def scores_of(
    detector: Detector,
    paths: Iterable[Path],
    progress: Callable[[], None] | None = None,
    check: FrameCheck | None = None,
) -> list[float]:
    """The image scores in the order given; `progress` is called once per image.

    check: how the bundle reads images, and what it takes for none. DatasetError names an image
    that cannot be read, or that shows nothing: its score would be that of a defect.
    """
    depth = check.preprocessing.depth if check else None
    scores = []
    for path in paths:
        image = read_image(path, depth)
        fault = check.fault(image) if check else None
        if fault is not None:
            raise DatasetError(f"{path}: {fault.detail}.", fix="Take it out of the folder.")
        scores.append(detector.detect(image).image_score)
        if progress:
            progress()
    return scores


def _not_trained_on(by_content: Mapping[str, Path], trained: TrainedOn | None) -> dict[str, Path]:
    known = trained.train if trained else frozenset()
    return {digest: path for digest, path in by_content.items() if digest not in known}


def _training_images(dataset: Dataset) -> list[Path]:
    return [sample.image for sample in dataset.of("train", good=True)]


def _notes(copies: int, trained: int, enough: bool, held_out: bool) -> list[str]:
    notes = []
    if copies:
        notes.append(f"Copies of other images, which count once: {copies}.")
    if trained and not enough:
        notes.append(
            f"The detector was trained on {trained} of these images, so the threshold comes out "
            "too low. Give good images that were not trained on."
        )
    elif trained and not held_out:
        notes.append(f"Left out, since the detector was trained on them: {trained} images.")
    return notes


@dataclass(frozen=True, slots=True)
class Int8Images:
    """Good images that INT8 is found from.

    paths: in the order of their hashes.
    hashes: the sha256 of each, ascending.
    """

    paths: tuple[Path, ...]
    hashes: tuple[str, ...]


def choose_range_images(folder: Path, count: int) -> Int8Images:
    """`count` good images of `folder`, or all where there are fewer, whose activations set scales.

    Those that were trained on count too, for they show how far activations reach. DatasetError
    for fewer than FEWEST_IMAGES.
    """
    by_content = _good_by_content(folder)
    if len(by_content) < FEWEST_IMAGES:
        raise DatasetError(
            f"{folder} holds {len(by_content)} good images; "
            f"INT8 scales need at least {FEWEST_IMAGES}.",
            fix="Add good images, up to about 64; more change little.",
        )
    return _first_by_hash(by_content, count)


def choose_comparison_images(folder: Path, trained: TrainedOn | None, count: int) -> Int8Images:
    """`count` good images of `folder`, or all where there are fewer, to compare INT8 with FP32 on.

    Those that were not trained on, where there are FEWEST_IMAGES of them; else all.
    """
    by_content = _good_by_content(folder)
    fresh = _not_trained_on(by_content, trained)
    return _first_by_hash(fresh if len(fresh) >= FEWEST_IMAGES else by_content, count)


def _good_by_content(folder: Path) -> dict[str, Path]:
    """Without those of the test."""
    dataset = read_dataset(folder)
    samples = (*dataset.of("train", good=True), *dataset.of("validation", good=True))
    return {content_hash(sample.image): sample.image for sample in samples}


def _first_by_hash(by_content: Mapping[str, Path], count: int) -> Int8Images:
    """By content hash, so that the same are chosen whatever their names and order."""
    hashes = sorted(by_content)[:count]
    return Int8Images(tuple(by_content[digest] for digest in hashes), tuple(hashes))
