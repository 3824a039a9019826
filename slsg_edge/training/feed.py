"""Batches for training, drawn in worker processes.

Batch i is a function of the seed and i alone: a run that was interrupted and resumed sees the
same batches as one that was not, with any number of workers.
"""

import contextlib
import functools
import os
import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from slsg_edge.contracts import Image
from slsg_edge.errors import SlsgError, WorkerLost
from slsg_edge.machine.host import usable_cores
from slsg_edge.machine.parent import end_with_parent
from slsg_edge.synthesis.anomalies import Simulator
from slsg_edge.training.frames import StoredFrames

Batch: TypeAlias = tuple[Tensor, Tensor]
# First words of the seeds, so that no two uses share a random stream: 3 is for corrupted images.
_ORDER, _PAIR = 1, 2
_REMEMBERED_EPOCHS = 4  # a batch may end one epoch and begin the next


def errors_as_values(draw: Callable[[Any, int], Batch]) -> Callable[[Any, int], Batch]:
    """Errors of the user become values: a worker's exceptions lose their message on the way."""

    def safely(dataset: Any, iteration: int) -> Batch:
        try:
            return draw(dataset, iteration)
        except SlsgError as error:
            return error  # type: ignore[return-value]

    return safely


@dataclass(frozen=True, slots=True)
class EpochOrder:
    """Which image is the k-th of batch i: epochs of permutations, one after the other."""

    seed: int
    images: int
    batch: int

    def index(self, iteration: int, place: int) -> int:
        epoch, position = divmod(iteration * self.batch + place, self.images)
        return int(_permutation(self.seed, epoch, self.images)[position])


@functools.lru_cache(_REMEMBERED_EPOCHS)
def _permutation(seed: int, epoch: int, images: int) -> NDArray[np.int64]:
    """The order of the images in an epoch."""
    return np.random.default_rng([_ORDER, seed, epoch]).permutation(images)


class PairBatches(Dataset[Batch]):
    """Images (2 B, H, W, 3) uint8, first the normal half; masks (2 B, 1, H, W) float."""

    def __init__(self, frames: StoredFrames, simulator: Simulator, seed: int, batch: int) -> None:
        self.frames, self.simulator = frames, simulator
        self.order = EpochOrder(seed, len(frames), batch)

    @errors_as_values
    def __getitem__(self, iteration: int) -> Batch:
        triples = [self._pair(iteration, place) for place in range(self.order.batch)]
        normal, anomalous, masks = (np.stack(column) for column in zip(*triples, strict=True))
        labels = np.concatenate((np.zeros_like(masks), masks))[:, None]
        return (
            torch.from_numpy(np.concatenate((normal, anomalous))),
            torch.from_numpy(labels.astype(np.float32)),
        )

    def _pair(self, iteration: int, place: int) -> tuple[Image, Image, NDArray[np.bool_]]:
        rng = np.random.default_rng([_PAIR, self.order.seed, iteration, place])
        normal = self.simulator.normal(rng, self.frames[self.order.index(iteration, place)])
        other = self.frames[int(rng.integers(len(self.frames)))]
        return (normal, *self.simulator.anomalous(rng, normal, other))


class FrameBatches(Dataset[Batch]):
    """Good images (B, H, W, 3) uint8 as they are, each of `indices` once; nothing is simulated."""

    def __init__(self, frames: StoredFrames, indices: Sequence[int], batch: int) -> None:
        self.frames, self.indices, self.batch = frames, indices, batch

    @errors_as_values
    def __getitem__(self, iteration: int) -> Batch:
        taken = self.indices[iteration * self.batch : (iteration + 1) * self.batch]
        images = np.stack([self.frames[index] for index in taken])
        return torch.from_numpy(images), torch.zeros(len(taken), 1, 1, 1)


def batches(
    dataset: Dataset[Batch], start: int, total: int, workers: int
) -> Generator[Batch, None, None]:
    """Batches `start` to `total` in order; `workers` 0 draws them in this process. To close it ends
    the workers."""
    loader = DataLoader(
        dataset,
        batch_size=None,
        sampler=range(start, total),
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        worker_init_fn=functools.partial(_start_worker, os.getpid()) if workers else None,
        multiprocessing_context="spawn" if workers else None,
    )
    for batch in loader:
        if isinstance(batch, SlsgError):
            raise batch
        yield batch


def default_workers() -> int:
    """One for each core but one, eight at most: a worker gives more than 100 pairs a second."""
    return min(8, max(1, usable_cores() - 1))


def _start_worker(trainer: int, _: int) -> None:
    """PyTorch takes whoever is the parent by now for the trainer, which may have been killed while
    this worker started.
    """
    end_with_parent(trainer)
    cv2.setNumThreads(1)
    # Ctrl-C and a service's stop reach every process; only the trainer decides what they mean
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


@contextlib.contextmanager
def lost_workers_named() -> Iterator[None]:
    """WorkerLost for a worker that was killed; PyTorch raises that in whatever line runs then."""
    try:
        yield
    except (EOFError, ConnectionError) as error:  # while it handed over a batch
        raise _lost("the connection to it ended") from error
    except RuntimeError as error:
        said = str(error).partition("\n")[0].strip(" .")
        if not said.startswith("DataLoader worker"):
            raise
        raise _lost(said) from error


def _lost(said: str) -> WorkerLost:
    with contextlib.suppress(ValueError):  # PyTorch would raise the same in lines to come
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    return WorkerLost(said)
