"""How fast the metrics are, beside scikit-learn and beside counting at every threshold.

Maps are made up: noise, and in every second image two squares in which it is stronger. Times are
those of one core, so that other work on the machine counts for none of the sides; only what goes
through the disk is timed by the clock on the wall.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from slsg_edge.contracts import Channel
from slsg_edge.errors import ConfigError, MissingDependency
from slsg_edge.machine.host import Machine, machine, one_opencv_thread, peak_mb
from slsg_edge.metrics.direct import Scene, direct_curve
from slsg_edge.metrics.pixels import PixelAreas, ScoredMaps
from slsg_edge.metrics.ranking import auroc
from slsg_edge.metrics.regions import PRO_LIMIT
from slsg_edge.metrics.saturated import QUOTED_SPRO_LIMIT

Result = TypeVar("Result")

REPEATS = 3  # of ours; the others take long enough to be steady
DIRECT_MAPS = 20  # counting at every threshold takes a minute for these
THRESHOLDS = 200  # what such evaluations usually take; ours has one at every score
SIDES = (128, 256, 512, 1024)
GROWTH_MAPS = 40
STREAMED_SIDE = 1024


@dataclass(frozen=True, slots=True)
class ReferenceComparison:
    """Our way beside another on the same arrays.

    what: the metrics, and the other way
    ours, other: core seconds
    difference: how far apart the results are at most
    """

    what: str
    ours: float
    other: float
    difference: float

    @property
    def ratio(self) -> float:
        return self.other / self.ours


@dataclass(frozen=True, slots=True)
class Growth:
    """Core seconds of all pixel metrics over `maps` maps of `side` x `side`."""

    maps: int
    side: int
    seconds: float

    @property
    def per_megapixel(self) -> float:
        """Milliseconds."""
        return self.seconds * 1e9 / (self.maps * self.side**2)


@dataclass(frozen=True, slots=True)
class Streaming:
    """Many maps through disk.

    maps, side: how many, and their height and width
    seconds: on the wall
    peak_mb: of the process, before anything else ran
    """

    maps: int
    side: int
    seconds: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class MetricBenchmark:
    """What the metrics cost on this machine.

    machine: where they were timed
    maps, side: of the comparison with scikit-learn
    comparisons: with other ways to the same numbers
    growth: with the size of the maps
    streaming: through disk; None when it was not asked for
    peak_mb: with scikit-learn, which takes most of it
    """

    machine: Machine
    maps: int
    side: int
    comparisons: tuple[ReferenceComparison, ...]
    growth: tuple[Growth, ...]
    streaming: Streaming | None
    peak_mb: float


def metric_benchmark(
    maps: int, side: int, streamed: int = 0, folder: Path | None = None
) -> MetricBenchmark:
    """`streamed` maps of STREAMED_SIDE go through disk in `folder`, none when 0.

    ConfigError for a folder that nothing would go to.
    """
    if folder and not streamed:
        raise ConfigError(
            "--folder is for the maps of --streamed, and there are none.",
            fix="Add --streamed N, or leave out --folder.",
        )
    streaming = stream(streamed, STREAMED_SIDE, folder) if streamed else None
    with one_opencv_thread():
        return MetricBenchmark(
            machine=machine(),
            maps=maps,
            side=side,
            comparisons=(_against_direct(side), _against_scikit_learn(maps, side)),
            growth=tuple(_growth(GROWTH_MAPS, each) for each in SIDES),
            streaming=streaming,
            peak_mb=peak_mb(),
        )


def scenes(count: int, side: int, seed: int = 0) -> Iterator[Scene]:
    """Maps from 0 to 1; the defects of every second one saturate at half of their area."""
    rng = np.random.default_rng(seed)
    for index in range(count):
        scores = rng.random((side, side), dtype=np.float32)
        channels = []
        for _ in range(2 * (index % 2)):
            mask = np.zeros((side, side), bool)
            top, left = rng.integers(0, side - side // 8, 2)
            mask[top : top + side // 8, left : left + side // 8] = True
            scores[mask] = np.sqrt(scores[mask])
            channels.append(Channel(mask, int(mask.sum()) // 2))
        yield scores, channels


def stream(count: int, side: int, folder: Path | None = None) -> Streaming:
    """All pixel metrics of maps that are never in memory together."""
    started = time.perf_counter()
    _areas(scenes(count, side), folder)
    seconds = time.perf_counter() - started
    return Streaming(count, side, seconds, peak_mb())


def _areas(drawn: Iterable[Scene], folder: Path | None = None) -> PixelAreas:
    with ScoredMaps(folder) as maps:
        for scores, channels in drawn:
            maps.add(scores, channels)
        return maps.areas()


def _against_direct(side: int) -> ReferenceComparison:
    drawn = list(scenes(DIRECT_MAPS, side))
    pooled = np.sort(np.concatenate([scores.ravel() for scores, _ in drawn]))
    places = np.linspace(len(pooled) - 1, 0, THRESHOLDS).astype(np.int64)
    other, curve = _timed(lambda: direct_curve(drawn, [*pooled[places], -np.inf]))
    ours, areas = _best(lambda: _areas(drawn))
    spro = (areas.spro or {})[QUOTED_SPRO_LIMIT]
    far = [
        curve.area(curve.pro, PRO_LIMIT) - areas.aupro,
        curve.area(curve.spro, QUOTED_SPRO_LIMIT) - spro,
    ]
    what = f"AUPRO and sPRO, {DIRECT_MAPS} maps, counting at {THRESHOLDS} thresholds"
    return ReferenceComparison(what, ours, other, float(np.abs(far).max()))


def _against_scikit_learn(count: int, side: int) -> ReferenceComparison:
    try:
        from sklearn.metrics import roc_auc_score
    except ModuleNotFoundError as error:
        raise MissingDependency("scikit-learn", extra="dev") from error
    maps, masks = np.empty((count, side, side), np.float32), np.zeros((count, side, side), bool)
    for index, (scores, channels) in enumerate(scenes(count, side)):
        maps[index] = scores
        for channel in channels:
            masks[index] |= channel.mask
    best = maps.reshape(count, -1).max(axis=1)
    defective = masks.reshape(count, -1).any(axis=1)
    ours, mine = _best(lambda: np.array([auroc(best, defective), auroc(maps, masks)]))
    other, theirs = _timed(
        lambda: np.array(
            [roc_auc_score(defective, best), roc_auc_score(masks.ravel(), maps.ravel())]
        )
    )
    far = float(np.abs(mine - theirs).max())
    return ReferenceComparison(
        f"image and pixel AUROC, {count} maps, scikit-learn", ours, other, far
    )


def _growth(count: int, side: int) -> Growth:
    drawn = list(scenes(count, side))
    seconds, _ = _best(lambda: _areas(drawn))
    return Growth(count, side, seconds)


def _best(measured: Callable[[], Result]) -> tuple[float, Result]:
    """The shortest of some runs, which is the least disturbed one, and the result."""
    return min((_timed(measured) for _ in range(REPEATS)), key=lambda run: run[0])


def _timed(measured: Callable[[], Result]) -> tuple[float, Result]:
    started = time.process_time()
    result = measured()
    return time.process_time() - started, result
