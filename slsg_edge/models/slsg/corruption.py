"""Stage 1's images: good ones, and the same with cells that changed places or were greyed out."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from slsg_edge.contracts import Image
from slsg_edge.models.slsg.settings import PretrainSettings
from slsg_edge.synthesis.colour import jitter
from slsg_edge.synthesis.settings import REFERENCE_SIDE
from slsg_edge.synthesis.structure import shuffle_cells
from slsg_edge.training.feed import Batch, EpochOrder, errors_as_values
from slsg_edge.training.frames import StoredFrames

MASK_GREY = 127
_CORRUPTION = 3  # first word of the seeds, as in training.feed


class CorruptionBatches(Dataset[Batch]):
    """Stage 1: corrupted and clean images, both (B, H, W, 3) uint8."""

    def __init__(self, frames: StoredFrames, settings: PretrainSettings, seed: int) -> None:
        self.frames, self.settings = frames, settings
        self.order = EpochOrder(seed, len(frames), settings.batch)

    @errors_as_values
    def __getitem__(self, iteration: int) -> Batch:
        pairs = [self._pair(iteration, place) for place in range(self.order.batch)]
        corrupted, clean = (np.stack(column) for column in zip(*pairs, strict=True))
        return torch.from_numpy(corrupted), torch.from_numpy(clean)

    def _pair(self, iteration: int, place: int) -> tuple[Image, Image]:
        rng = np.random.default_rng([_CORRUPTION, self.order.seed, iteration, place])
        frame = self.frames[self.order.index(iteration, place)]
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
