"""A test where there are good photos only: good images, and anomalies simulated in some.

The good images are those that were not learned from, and those that training left a score of: what
each came to by what was learned from the others.

No real defect is in it, so it shows what the threshold rejects and whether maps and verdicts work
at all, and proves nothing about defects. The anomalies are pasted into the photos as they are, in
a folder that is gone afterwards.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.good_scores import good_scores_of
from slsg_edge.bundle.training_record import trained_on
from slsg_edge.contracts import Image, Mask, Sample
from slsg_edge.data.dataset import Dataset
from slsg_edge.data.layouts import read_dataset
from slsg_edge.errors import DatasetError
from slsg_edge.evaluation.known_images import hash_or_none
from slsg_edge.images import read_image
from slsg_edge.preprocessing import Preprocessing, map_on_frame, prepare, require_inside, resize
from slsg_edge.progress import Bars, no_progress
from slsg_edge.stages.simulated import kinds_of_bundle
from slsg_edge.storage import temporary_folder, write_atomically
from slsg_edge.synthesis.simulated import SimulatedSet

MOST_GOOD = 200  # images, the first by content hash
MOST_CARRIERS = 30  # good images that get anomalies
ANOMALIES = 3  # in each of them, one of each kind
LONGEST_SIDE = 1024  # pixels of a photo with an anomaly, where no region of interest is cut


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """What is tested.

    simulated: what its anomalies are, in a sentence; empty where the defects are real.
    left_out: the scores of good images that were learned from, by what was learned from the others.
    """

    dataset: Dataset
    simulated: str = ""
    left_out: Mapping[Path, float] = field(default_factory=dict)


@contextmanager
def open_evaluation_set(
    bundle: Bundle, data: Path, bars: Bars = no_progress
) -> Iterator[EvaluationSet]:
    """The test images of `data`; without a defect among them its good images and simulated
    anomalies, which exist as long as this is open.
    """
    dataset = read_dataset(data)
    good, which, left_out = _good_samples(bundle, dataset)
    if dataset.of("test", good=False) or not good:
        yield EvaluationSet(dataset)
        return
    with temporary_folder() as folder:
        anomalous = _simulated(bundle, good, folder, bars)
        text = (
            f"No real defect was tested: {len(anomalous)} anomalies are simulated in good images. "
            f"Good images: {which}."
        )
        samples = Dataset(folder, dataset.layout, (*good, *anomalous), left_out=dataset.left_out)
        yield EvaluationSet(samples, text, left_out)


def _good_samples(
    bundle: Bundle, dataset: Dataset
) -> tuple[tuple[Sample, ...], str, dict[Path, float]]:
    """As test images, which ones they are, and the left-out scores of those learned from: the best
    there are for a test.
    """
    if tests := dataset.of("test", good=True):
        return tests, f"{len(tests)} of the test", {}
    known = trained_on(bundle)
    trained = known.train if known else frozenset()
    scores = good_scores_of(bundle).left_out
    every = (*dataset.of("train", good=True), *dataset.of("validation", good=True))
    digests = {sample.image: hash_or_none(sample.image) or "" for sample in every}
    learned = trained.difference(scores)
    chosen = _first([each for each in every if digests[each.image] not in learned] or every)
    found = {each.image: digests[each.image] for each in chosen}
    left_out = {image: scores[digest] for image, digest in found.items() if digest in scores}
    if learned.intersection(found.values()):
        return chosen, f"{len(chosen)} that it was trained on, so it looks better than it is", {}
    if known is None:
        return chosen, f"{len(chosen)}, and nobody knows whether it was trained on them", left_out
    return chosen, _which(len(chosen) - len(left_out), len(left_out)), left_out


def _which(fresh: int, left_out: int) -> str:
    parts = [f"{fresh} that it was not trained on"] if fresh or not left_out else []
    if left_out:
        parts.append(
            f"{left_out} that it learned from, each with the score by what was learned from the "
            "others; the anomalies in them score rather too low than too high"
        )
    return ", and ".join(parts)


def _first(samples: Sequence[Sample]) -> tuple[Sample, ...]:
    """By content hash, so that the same are chosen whatever their names."""
    ordered = sorted(samples, key=lambda sample: hash_or_none(sample.image) or "")
    return tuple(replace(sample, split="test") for sample in ordered[:MOST_GOOD])


def _simulated(bundle: Bundle, good: Sequence[Sample], folder: Path, bars: Bars) -> list[Sample]:
    """Written into `folder`, picture and mask; none where no good image can be read."""
    spec = bundle.manifest.preprocessing
    photos = _photos(good, spec)
    if not photos:
        return []
    frames = np.stack([prepare(photo, spec) for photo in photos.values()])
    anomalies = SimulatedSet(frames, kinds_of_bundle(bundle), wanted=ANOMALIES * len(frames))
    samples = []
    with bars("simulated anomalies", ANOMALIES * len(frames)) as advance:
        for place, (path, photo) in enumerate(photos.items()):
            for number in anomalies.numbers_of(place):
                drawn = pasted(photo, *anomalies.anomaly(place, number), spec)
                kind = f"simulated_{anomalies.kind_of(number)}"
                samples.append(_written(folder, f"{path.stem}_{number:03}.png", kind, *drawn))
                advance()
    return samples


def pasted(photo: Image, anomalous: Image, mask: Mask, spec: Preprocessing) -> tuple[Image, Mask]:
    """The photo with what `mask` marks in `anomalous`, both at model resolution; and the mask."""
    shape = photo.shape
    there = map_on_frame(mask.astype(np.float32), spec, shape) > 0.5
    result = photo.copy()
    for channel in range(3):
        drawn = map_on_frame(anomalous[..., channel].astype(np.float32), spec, shape)
        result[there, channel] = np.rint(drawn[there])
    return result, there


def _photos(good: Sequence[Sample], spec: Preprocessing) -> dict[Path, Image]:
    """Those that can be read, large ones made smaller where no region depends on their size."""
    photos: dict[Path, Image] = {}
    for sample in good:
        if len(photos) == MOST_CARRIERS:
            break
        try:
            photo = read_image(sample.image, spec.depth)
        except DatasetError:
            continue
        if spec.roi is None:
            scale = min(1.0, LONGEST_SIDE / max(photo.shape[:2]))
            photo = resize(photo, *(max(1, round(scale * side)) for side in photo.shape[:2]))
        else:
            require_inside(spec.roi, *photo.shape[:2])
        photos[sample.image] = photo
    return photos


def _written(folder: Path, name: str, kind: str, image: Image, mask: Mask) -> Sample:
    """As PNG, lossless."""
    import cv2

    paths = folder / kind / name, folder / "masks" / kind / name
    for path, picture in zip(paths, (image, mask.astype(np.uint8) * 255), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, cv2.imencode(".png", picture)[1].tobytes())
    return Sample(paths[0], "test", kind, (paths[1],))
