"""What detectors are compared on: good images that none has seen, and simulated anomalies."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slsg_edge.data.layouts import read_dataset
from slsg_edge.data.loading import load_into, shape_of_frames
from slsg_edge.data.splits import train_and_holdout
from slsg_edge.errors import DatasetError
from slsg_edge.synthesis.anomalies import AnomalySimulator
from slsg_edge.training.frames import StoredFrames, write_frames
from slsg_edge.training.material import forget_material, store_textures
from slsg_edge.training.settings import TrainSettings

FEWEST = 10  # held-out good images, below which no two detectors can be told apart
ANOMALIES = 2  # simulated in each held-out image
VALIDATION_FILE = "validation.npy"
_SEED = 5  # first word of the seeds, as in training.feed


@dataclass(frozen=True, slots=True)
class ValidationSet:
    """Frames at model resolution, and which of them have an anomaly."""

    frames: StoredFrames
    labels: NDArray[np.bool_]


def held_out_images(data: Path, settings: TrainSettings) -> tuple[Path, ...]:
    """The good images to compare on; DatasetError for too few."""
    _, held_out = train_and_holdout(read_dataset(data), settings.holdout)
    if len(held_out) < FEWEST:
        raise DatasetError(
            f"Good images held out: {len(held_out)}, too few to choose a detector by.",
            fix=f"Give more good images or a larger holdout, for at least {FEWEST}; "
            "or name a --detector.",
        )
    return held_out


@contextlib.contextmanager
def stored_validation_set(
    images: Sequence[Path], photos: Sequence[Path], settings: TrainSettings, folder: Path
) -> Iterator[ValidationSet]:
    """Every image, and anomalies simulated in it by the product's own rules; in `folder` as long
    as it is used.

    photos: textures of anomalies; none draws procedural ones.
    """
    try:
        textures = store_textures(photos, folder, settings.preprocessing)
        simulator = AnomalySimulator(settings.synthesis, textures)
        yield _stored(images, simulator, settings, folder / VALIDATION_FILE)
    finally:
        forget_material(folder)
        (folder / VALIDATION_FILE).unlink(missing_ok=True)


def _stored(
    images: Sequence[Path], simulator: AnomalySimulator, settings: TrainSettings, target: Path
) -> ValidationSet:
    good = len(images)

    def fill(frames: NDArray[np.uint8]) -> None:
        load_into(frames[:good], images, settings.preprocessing)
        for index in range(good * ANOMALIES):
            image, number = divmod(index, ANOMALIES)
            rng = np.random.default_rng([_SEED, settings.seed, image, number])
            donor = frames[int(rng.integers(good))]
            frames[good + index] = simulator.anomalous(rng, frames[image], donor)[0]

    shape = shape_of_frames(good * (1 + ANOMALIES), settings.preprocessing)
    frames = write_frames(target, shape, fill)
    return ValidationSet(frames, np.arange(len(frames)) >= good)
