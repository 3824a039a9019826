"""Reduced patches of the good images, kept from the pass that gathers to the one that leaves out.

So no image passes the trunk twice. They are kept in a file of the run folder, about as large as
that of the images, and as long as the run.
"""

import contextlib
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Patches:
    """Of N images: reduced patches (N, D, h, w) and mean features (N, C)."""

    cells: Tensor
    means: Tensor

    def of(self, rows: range) -> "Patches":
        """Of some of the images, consecutive ones."""
        some = slice(rows.start, rows.stop)
        return Patches(self.cells[some], self.means[some])


def joined(parts: Sequence[Patches]) -> Patches:
    """Of all their images."""
    return Patches(
        torch.cat([part.cells for part in parts]), torch.cat([part.means for part in parts])
    )


class KeptPatches:
    """A row for each image, in order; a checkpoint's part holds the check sum of each.

    A row that is not what was kept, as after a crash or where the disk was full, is found again
    with the images that were in its batch at first: so its last bits are the same.
    """

    def __init__(self, path: Path, batch: int, find: Callable[[range], Patches]) -> None:
        """find: the patches of some images, which come to at most `batch`."""
        self.path, self._batch, self._find = path, batch, find
        self._sums: list[int] = []
        self._cells: tuple[int, ...] = ()
        self._size = 0  # bytes of a row
        self._again: tuple[range, Patches] | None = None

    def add(self, patches: Patches) -> None:
        """Of the next batch of images."""
        first, rows = len(self._sums), _rows(patches)
        self._cells, self._size = tuple(patches.cells.shape[1:]), len(rows[0])
        self._sums += map(zlib.crc32, rows)
        # what is not kept is found again
        with contextlib.suppress(OSError), self.path.open("r+b" if first else "wb") as file:
            file.seek(first * self._size)
            file.writelines(rows)

    def of(self, images: Sequence[int]) -> Patches:
        """Of these images, which were added before."""
        return joined([self._one(image) for image in images])

    def state_dict(self) -> dict[str, list[int]]:
        return {"sums": list(self._sums), "cells": list(self._cells), "size": [self._size]}

    def load_state_dict(self, state: Mapping[str, list[int]]) -> None:
        self._sums, self._cells = list(state["sums"]), tuple(state["cells"])
        (self._size,) = state["size"]

    def _one(self, image: int) -> Patches:
        row = self._read(image)
        if zlib.crc32(row) != self._sums[image]:
            return self._found_again(image)
        values = torch.from_numpy(np.frombuffer(row, np.float32).copy())[None]
        cells = int(np.prod(self._cells))
        return Patches(values[:, :cells].reshape(1, *self._cells), values[:, cells:])

    def _read(self, image: int) -> bytes:
        """Nothing where there is no such row."""
        try:
            with self.path.open("rb") as file:
                file.seek(image * self._size)
                return file.read(self._size)
        except OSError:
            return b""

    def _found_again(self, image: int) -> Patches:
        """The last batch stays in memory, since its other images come next."""
        if self._again is None or image not in self._again[0]:
            first = image - image % self._batch
            rows = range(first, min(first + self._batch, len(self._sums)))
            self._again = rows, self._find(rows)
        rows, patches = self._again
        return patches.of(range(image - rows.start, image - rows.start + 1))


def _rows(patches: Patches) -> list[bytes]:
    """float32 of each image, its cells first."""
    flat = torch.cat((patches.cells.flatten(1), patches.means), 1)
    return [row.tobytes() for row in flat.float().numpy()]
