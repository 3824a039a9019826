"""Good images and anomalies simulated in them, fold by fold, as leaving out asks for them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import Dataset

from slsg_edge.synthesis.simulated import SimulatedSet
from slsg_edge.training.feed import Batch, errors_as_values


@dataclass(frozen=True, slots=True)
class Entry:
    """One frame: an image, and the number of the anomaly in it; None where it is as it was."""

    image: int
    anomaly: int | None = None


class LeftOutBatches(Dataset[Batch]):
    """Of one batch of folds the simulated anomalies (A, H, W, 3) uint8, and of all its frames (M,)
    the share that is anomalous.

    A fold is never split, so a batch is as large as its folds are. Good images do not come: what
    is needed of them is known.
    """

    def __init__(self, simulated: SimulatedSet, folds: Sequence[Sequence[int]], batch: int) -> None:
        self.simulated = simulated
        self.folds = list(_packed(folds, batch))

    def __len__(self) -> int:
        return len(self.folds)

    def entries(self, fold: Sequence[int]) -> list[Entry]:
        """The good images first, in the fold's order."""
        numbers = [Entry(i, number) for i in fold for number in self.simulated.numbers_of(i)]
        return [*map(Entry, fold), *numbers]

    def all_entries(self) -> list[Entry]:
        return [entry for folds in self.folds for fold in folds for entry in self.entries(fold)]

    @errors_as_values
    def __getitem__(self, iteration: int) -> Batch:
        entries = [entry for fold in self.folds[iteration] for entry in self.entries(fold)]
        shares = torch.zeros(len(entries))
        frames = []
        for place, entry in enumerate(entries):
            if entry.anomaly is not None:
                frame, mask = self.simulated.anomaly(entry.image, entry.anomaly)
                shares[place] = float(mask.mean())
                frames.append(frame)
        shape = self.simulated.images[0].shape
        return torch.from_numpy(np.array(frames, np.uint8).reshape(-1, *shape)), shares


def _packed(folds: Sequence[Sequence[int]], batch: int) -> Iterator[list[Sequence[int]]]:
    """Folds one after the other until there are `batch` images."""
    waiting: list[Sequence[int]] = []
    for fold in folds:
        waiting.append(fold)
        if sum(map(len, waiting)) >= batch:
            yield waiting
            waiting = []
    if waiting:
        yield waiting
