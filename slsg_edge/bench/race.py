"""How fast several backends run the same frames on this machine: block by block in turn.

A machine that slows down slows all of them alike, so the ratios hold where the times do not.
"""

import itertools
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slsg_edge.machine.host import Machine, machine
from slsg_edge.runtime.detector import GraphDetector

BLOCK_FRAMES = 8  # frames


@dataclass(frozen=True, slots=True)
class BackendLatency:
    """How long a backend takes for a frame.

    backend: its name
    median, p95: in milliseconds
    speedup: how many times as fast as the first backend, the median over rounds
    """

    backend: str
    median: float
    p95: float
    speedup: float


@dataclass(frozen=True, slots=True)
class LatencyComparison:
    """Several backends on the same frames.

    machine: where they were timed
    frames: how many each of them ran
    backends: the first is what the others are compared with
    """

    machine: Machine
    frames: int
    backends: tuple[BackendLatency, ...]


def compare_latency(
    detectors: Mapping[str, GraphDetector],
    prepared: Mapping[str, NDArray[np.uint8]],
    frames: int,
    progress: Callable[[], None],
) -> LatencyComparison:
    """`frames` through each detector, one at a time, round and round.

    `prepared`: by the same names the same images at each one's resolution, (N, H, W, 3).
    `progress` is called once per round, of which there are `rounds_of(frames)`.
    """
    times: dict[str, list[list[float]]] = {name: [] for name in detectors}
    for turn in range(rounds_of(frames)):
        for name in _rotated(list(detectors), turn):
            images = prepared[name]
            block = [
                images[(turn * BLOCK_FRAMES + index) % len(images)] for index in range(BLOCK_FRAMES)
            ]
            times[name].append(_milliseconds(detectors[name], block))
        progress()
    first = next(iter(times.values()))
    return LatencyComparison(
        machine(),
        rounds_of(frames) * BLOCK_FRAMES,
        tuple(_latency(name, blocks, first) for name, blocks in times.items()),
    )


def rounds_of(frames: int) -> int:
    """Blocks that hold at least so many frames."""
    return -(-frames // BLOCK_FRAMES)


def _rotated(names: list[str], turn: int) -> list[str]:
    """Whoever comes after the slowest finds another cache, so the order goes round."""
    start = turn % len(names)
    return names[start:] + names[:start]


def _milliseconds(detector: GraphDetector, block: list[NDArray[np.uint8]]) -> list[float]:
    detector.run(block[0][None])  # brings its weights back into the cache
    marks = [time.perf_counter()]
    for frame in block:
        detector.run(frame[None])
        marks.append(time.perf_counter())
    return [(end - start) * 1000 for start, end in itertools.pairwise(marks)]


def _latency(name: str, blocks: list[list[float]], first: list[list[float]]) -> BackendLatency:
    median, p95 = np.percentile(np.concatenate(blocks), [50, 95]).tolist()
    ratios = [
        statistics.median(reference) / statistics.median(block)
        for reference, block in zip(first, blocks, strict=True)
    ]
    return BackendLatency(name, median, p95, statistics.median(ratios))
