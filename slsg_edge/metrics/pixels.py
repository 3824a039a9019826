"""Pixel AUROC, AUPR, AUPRO and saturated PRO over any number of maps, exact.

Of a map only the order of its scores matters, so each is kept as sorted runs: its good pixels,
and those of each region and of each defect. Every area is then a sum over defective pixels of
how early among the good pixels they are found: one sort, and cost in proportion to the pixels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slsg_edge.contracts import Channel
from slsg_edge.metrics import saturated
from slsg_edge.metrics.coverage import AveragePrecision, Coverage, counts_above, lookup
from slsg_edge.metrics.curves import Array
from slsg_edge.metrics.ranking import require_both
from slsg_edge.metrics.regions import PRO_LIMIT, region_scores
from slsg_edge.metrics.runs import BLOCK, IN_MEMORY, Runs, walk


@dataclass(frozen=True, slots=True)
class PixelAreas:
    """`spro` by its limit; None where a defect has no saturation."""

    auroc: float
    aupr: float
    aupro: float
    spro: Mapping[float, float] | None


@dataclass(frozen=True, slots=True)
class Rates:
    """At each of some thresholds; a pixel is found when its score is above."""

    false_positive_rate: Array
    pro: Array
    spro: Array | None


class ScoredMaps:
    """Takes maps one by one, each with its defects; a context manager, since it may hold a file.

    Memory stays below 1 GB whatever their number: beyond 64 MB the scores lie in `folder`.
    """

    def __init__(
        self, folder: Path | None = None, in_memory: int = IN_MEMORY, block: int = BLOCK
    ) -> None:
        self.good = Runs(folder, in_memory)  # one per image
        self.regions = Runs(folder, in_memory)
        self.saturated = Runs(folder, in_memory)
        self.block = block
        self.region_images: list[int] = []  # the image of each run
        self.saturated_images: list[int] = []
        self._unsaturated: set[int] = set()

    def __len__(self) -> int:
        return len(self.good)

    def __enter__(self) -> "ScoredMaps":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for runs in (self.good, self.regions, self.saturated):
            runs.close()

    def add(self, scores: NDArray[Any], channels: Sequence[Channel] = ()) -> None:
        """A map (H, W) and the defects on it; ValueError when it is not finite or of other size."""
        _require_fitting(scores, channels)
        scores = scores.astype(np.result_type(scores, np.float32), copy=False)
        union = np.zeros(scores.shape, bool)
        for channel in channels:
            union |= channel.mask
        image = len(self.good)
        self.good.append(np.sort(scores[~union]))
        for run in region_scores(scores, union):
            self.regions.append(run)
            self.region_images.append(image)
        for channel in channels:
            self._add_channel(image, scores, channel)

    def _add_channel(self, image: int, scores: NDArray[Any], channel: Channel) -> None:
        if channel.saturation is None:
            self._unsaturated.add(image)
        elif channel.mask.any():
            self.saturated.append(
                saturated.saturating_scores(scores, channel.mask, channel.saturation)
            )
            self.saturated_images.append(image)

    def areas(self, images: Sequence[int] | None = None) -> PixelAreas:
        """Over all images, or over some; ValueError when they lack good or defective pixels."""
        chosen = self.selection(images)
        require_both(chosen.good_pixels, chosen.defective_pixels)
        return chosen.areas()

    def rates(self, thresholds: ArrayLike, images: Sequence[int] | None = None) -> Rates:
        """False-positive rate, PRO and sPRO at each threshold; ValueError as for `areas`."""
        chosen = self.selection(images)
        require_both(chosen.good_pixels, chosen.defective_pixels)
        return chosen.rates(np.asarray(thresholds, np.float64))

    def selection(self, images: Sequence[int] | None) -> "Selection":
        """The runs of some images, or of all."""
        wanted = set(range(len(self)) if images is None else images)
        spro = not wanted & self._unsaturated
        return Selection(
            self,
            sorted(wanted),
            [run for run, image in enumerate(self.region_images) if image in wanted],
            [run for run, image in enumerate(self.saturated_images) if image in wanted and spro],
        )


@dataclass(frozen=True, slots=True)
class Selection:
    """The runs of some of the images."""

    maps: ScoredMaps
    good: Sequence[int]
    regions: Sequence[int]
    saturated: Sequence[int]

    @property
    def good_pixels(self) -> int:
        return sum(map(self.maps.good.length, self.good))

    @property
    def defective_pixels(self) -> int:
        return sum(map(self.maps.regions.length, self.regions))

    def areas(self) -> PixelAreas:
        maps, good = self.maps, self.good_pixels
        regions = Coverage(maps.regions, self.regions, (1.0, PRO_LIMIT))
        defects = Coverage(maps.saturated, self.saturated, saturated.SPRO_LIMITS)
        precision = AveragePrecision(good, self.defective_pixels)
        sample = maps.regions.sample(self.regions)
        for block in walk(maps.good, self.good, sample, maps.block):
            defective = lookup(block, maps.regions, self.regions, good)
            for part in (regions, defects, precision):
                part.add(defective)
        spro = dict(zip(saturated.SPRO_LIMITS, defects.per_run(), strict=False))
        auroc, _ = regions.per_score()
        _, aupro = regions.per_run()
        return PixelAreas(auroc, precision.average(), aupro, spro or None)

    def rates(self, thresholds: Array) -> Rates:
        alarms = counts_above(self.maps.good, self.good, thresholds).sum(axis=0)
        return Rates(
            alarms / self.good_pixels,
            _mean_share(self.maps.regions, self.regions, thresholds),
            _mean_share(self.maps.saturated, self.saturated, thresholds)
            if self.saturated
            else None,
        )


def _mean_share(runs: Runs, chosen: Sequence[int], thresholds: Array) -> Array:
    """The mean over runs of the share of each that is above, for each threshold."""
    lengths = np.array([runs.length(run) for run in chosen])
    return np.asarray((counts_above(runs, chosen, thresholds) / lengths[:, None]).mean(axis=0))


def _require_fitting(scores: NDArray[Any], channels: Sequence[Channel]) -> None:
    for channel in channels:
        if channel.mask.shape != scores.shape:
            raise ValueError(f"a map of {scores.shape} has a mask of {channel.mask.shape}")
    if scores.ndim != 2 or not np.isfinite(scores).all():
        raise ValueError("a pixel score is not finite")
