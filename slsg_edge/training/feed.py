"""Batches for both stages, drawn in worker processes.

Batch i is a function of the seed and i alone: a run that was interrupted and resumed sees the
same batches as one that was not, with any number of workers.
"""

import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from slsg_edge.contracts import Image
from slsg_edge.errors import SlsgError
from slsg_edge.machine import usable_cores
from slsg_edge.synthesis.anomalies import AnomalySimulator
from slsg_edge.synthesis.colour import jitter
from slsg_edge.synthesis.settings import REFERENCE_SIDE
from slsg_edge.synthesis.structure import shuffle_cells
from slsg_edge.training.frames import StoredFrames
from slsg_edge.training.settings import PretrainSettings

Batch: TypeAlias = tuple[Tensor, Tensor]
MASK_GREY = 127
# First words of the seeds, so that no two uses share a random stream.
_ORDER, _PAIR, _CORRUPTION = 1, 2, 3


def _handed_back(draw: Callable[[Any, int], Batch]) -> Callable[[Any, int], Batch]:
    """Errors of the user become values: a worker's exceptions lose their message on the way."""

    def safely(dataset: Any, iteration: int) -> Batch:
        try:
            return draw(dataset, iteration)
        except SlsgError as error:
            return error  # type: ignore[return-value]

    return safely


@dataclass(frozen=True, slots=True)
class Draw:
    """Which image is the k-th of batch i: epochs of permutations, one after the other."""

    seed: int
    images: int
    batch: int

    def index(self, iteration: int, place: int) -> int:
        epoch, position = divmod(iteration * self.batch + place, self.images)
        order = np.random.default_rng([_ORDER, self.seed, epoch]).permutation(self.images)
        return int(order[position])


class PairBatches(Dataset[Batch]):
    """Stage 2: images (2 B, H, W, 3) uint8, first the normal half; masks (2 B, 1, H, W) float."""

    def __init__(
        self, frames: StoredFrames, simulator: AnomalySimulator, seed: int, batch: int
    ) -> None:
        self.frames, self.simulator = frames, simulator
        self.draw = Draw(seed, len(frames), batch)

    @_handed_back
    def __getitem__(self, iteration: int) -> Batch:
        triples = [self._pair(iteration, place) for place in range(self.draw.batch)]
        normal, anomalous, masks = (np.stack(column) for column in zip(*triples, strict=True))
        labels = np.concatenate((np.zeros_like(masks), masks))[:, None]
        return (
            torch.from_numpy(np.concatenate((normal, anomalous))),
            torch.from_numpy(labels.astype(np.float32)),
        )

    def _pair(self, iteration: int, place: int) -> tuple[Image, Image, NDArray[np.bool_]]:
        rng = np.random.default_rng([_PAIR, self.draw.seed, iteration, place])
        normal = self.simulator.normal(rng, self.frames[self.draw.index(iteration, place)])
        other = self.frames[int(rng.integers(len(self.frames)))]
        return (normal, *self.simulator.anomalous(rng, normal, other))


class CorruptionBatches(Dataset[Batch]):
    """Stage 1: corrupted and clean images, both (B, H, W, 3) uint8."""

    def __init__(self, frames: StoredFrames, settings: PretrainSettings, seed: int) -> None:
        self.frames, self.settings = frames, settings
        self.draw = Draw(seed, len(frames), settings.batch)

    @_handed_back
    def __getitem__(self, iteration: int) -> Batch:
        pairs = [self._pair(iteration, place) for place in range(self.draw.batch)]
        corrupted, clean = (np.stack(column) for column in zip(*pairs, strict=True))
        return torch.from_numpy(corrupted), torch.from_numpy(clean)

    def _pair(self, iteration: int, place: int) -> tuple[Image, Image]:
        rng = np.random.default_rng([_CORRUPTION, self.draw.seed, iteration, place])
        frame = self.frames[self.draw.index(iteration, place)]
        strength = self.settings.jitter
        clean = jitter(rng, frame, strength, strength, strength)
        return corrupt(rng, clean, self.settings), clean


def corrupt(rng: np.random.Generator, image: Image, settings: PretrainSettings) -> Image:
    """The image with cells that changed places, cells greyed out, or both."""
    if settings.task in ("shuffle", "both"):
        grid = int(rng.choice(settings.shuffle_grids))
        image = shuffle_cells(rng, image, grid, grid, _some(rng, grid * grid, settings.shuffled))
    if settings.task in ("mask", "both"):
        image = _mask_cells(rng, image, settings)
    return image


def batches(dataset: Dataset[Batch], start: int, total: int, workers: int) -> Iterator[Batch]:
    """Batches `start` to `total` in order; `workers` 0 draws them in this process."""
    loader = DataLoader(
        dataset,
        batch_size=None,
        sampler=range(start, total),
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        worker_init_fn=_start_worker if workers else None,
        multiprocessing_context="spawn" if workers else None,
    )
    for batch in loader:
        if isinstance(batch, SlsgError):
            raise batch
        yield batch


def default_workers() -> int:
    """One for each core but one, eight at most: a worker gives more than 100 pairs a second."""
    return min(8, max(1, usable_cores() - 1))


def _start_worker(_: int) -> None:
    cv2.setNumThreads(1)
    # Ctrl-C reaches the whole process group; only the trainer decides what it means
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _some(rng: np.random.Generator, count: int, share: tuple[float, float]) -> NDArray[np.intp]:
    return rng.permutation(count)[: round(rng.uniform(*share) * count)]


def _mask_cells(rng: np.random.Generator, image: Image, settings: PretrainSettings) -> Image:
    height, width = image.shape[:2]
    side = max(1, settings.mask_cell * height // REFERENCE_SIDE)
    rows, columns = -(-height // side), -(-width // side)
    hidden = np.zeros(rows * columns, np.bool_)
    hidden[_some(rng, rows * columns, settings.masked)] = True
    cells = hidden.reshape(rows, columns).repeat(side, 0).repeat(side, 1)[:height, :width]
    return np.where(cells[..., None], np.uint8(MASK_GREY), image)
