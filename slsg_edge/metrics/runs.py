"""Sorted runs of scores, in memory while few and on disk beyond, and a walk through all in order.

2,000 maps of 1024x1024 are 8.4 GB; sorted one by one they lie on disk, and a walk holds only the
scores between two values at a time. Knows nothing about images or defects.
"""

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from slsg_edge.storage import storage_error

Scores: TypeAlias = NDArray[Any]
"""One-dimensional, float32 or float64."""

IN_MEMORY = 64 * 2**20  # bytes of a set of runs before it moves to disk
_STEP = 256  # of every so many scores one stays in memory, to find the others on disk
BLOCK = 2**24  # scores that a walk holds at a time


class Runs:
    """Ascending runs of finite scores; StorageError when the disk is full.

    `folder` is where they go when they grow; None is the system's folder for temporary files,
    which may itself lie in memory.
    """

    def __init__(self, folder: Path | None = None, in_memory: int = IN_MEMORY) -> None:
        self._folder = folder or Path(tempfile.gettempdir())
        self._file = tempfile.SpooledTemporaryFile(in_memory, dir=str(self._folder))  # noqa: SIM115
        self._places: list[tuple[int, int, np.dtype[Any]]] = []  # offset, length, type
        self._ladders: list[Scores] = []

    def append(self, ascending: Scores) -> None:
        with self._storage():
            self._file.seek(0, 2)
            offset = self._file.tell()
            self._file.write(np.ascontiguousarray(ascending).view(np.uint8).data)
        self._places.append((offset, len(ascending), ascending.dtype))
        self._ladders.append(ascending[::_STEP].copy())

    def __len__(self) -> int:
        return len(self._places)

    def length(self, run: int) -> int:
        return self._places[run][1]

    def read(self, run: int, start: int = 0, stop: int | None = None) -> Scores:
        offset, length, kind = self._places[run]
        stop = length if stop is None else min(stop, length)
        with self._storage():
            self._file.seek(offset + start * kind.itemsize)
            content = self._file.read((stop - start) * kind.itemsize)
        return np.frombuffer(content, kind)

    def between(self, run: int, low: float, high: float) -> Scores:
        """The scores of a run from `low` to below `high`."""
        first, last = np.searchsorted(self._ladders[run], [low, high], "left")
        if last == 0:
            return self.read(run, 0, 0)
        near = self.read(run, max(int(first) - 1, 0) * _STEP, int(last) * _STEP)
        start, stop = np.searchsorted(near, [low, high], "left")
        return near[start:stop]

    def gather(self, runs: Sequence[int], low: float, high: float) -> tuple[int, Scores]:
        """How many scores of these runs are `low`, and those above it and below `high`, sorted.

        Apart, because one value may fill whole maps: it is counted, not held.
        """
        at_low, parts = 0, []
        for run in runs:
            scores = self.between(run, low, high)
            ties = int(np.searchsorted(scores, low, "right"))
            at_low += ties
            parts.append(scores[ties:])
        inner = np.concatenate(parts) if parts else np.empty(0)
        inner.sort()
        return at_low, inner

    def sample(self, runs: Sequence[int]) -> Scores:
        """About every 256th score of these runs, ascending."""
        return np.sort(np.concatenate([self._ladders[run] for run in runs] or [np.empty(0)]))

    def close(self) -> None:
        self._file.close()

    @contextlib.contextmanager
    def _storage(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise storage_error(self._folder, error) from error


@dataclass(frozen=True, slots=True)
class Block:
    """All reference scores from `low` to below `high`, and how many lie below."""

    low: float
    high: float
    below: int
    at_low: int
    inner: Scores  # above `low`, ascending

    def ranks(self, scores: Scores) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """How many references are below each score of this block, and how many not above it."""
        past_low = self.below + self.at_low
        left = np.searchsorted(self.inner, scores, "left")
        not_above = past_low + left
        if len(self.inner):
            tied = self.inner.take(left, mode="clip") == scores
            not_above[tied] = past_low + np.searchsorted(self.inner, scores[tied], "right")
        return np.where(scores > self.low, past_low + left, self.below), not_above


def walk(reference: Runs, runs: Sequence[int], others: Scores, block: int) -> Iterator[Block]:
    """These runs of `reference` in ascending blocks of about `block` scores.

    `others`: a sample of what is looked up, so that no block has more than that of them either.
    """
    bounds = _bounds(np.concatenate([reference.sample(runs), others]), block)
    below = 0
    for low, high in pairwise(bounds):
        at_low, inner = reference.gather(runs, low, high)
        yield Block(low, high, below, at_low, inner)
        below += at_low + len(inner)


def _bounds(sample: Scores, block: int) -> list[float]:
    """Values that cut what was sampled into pieces of about `block` scores, ties apart."""
    inside = np.unique(np.sort(sample)[:: max(1, block // _STEP)][1:]).tolist()
    return [-np.inf, *inside, np.inf]
