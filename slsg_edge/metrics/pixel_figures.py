"""Every metric of scored maps with its confidence interval.

The value is exact. Its interval comes from the maps' histograms: drawing images again only adds
up their rows, so a thousand replicates cost a matrix product and not a thousand evaluations.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slsg_edge.metrics import curves
from slsg_edge.metrics.curves import Array
from slsg_edge.metrics.intervals import REPLICATES, Bootstrap, Figure, Replicas
from slsg_edge.metrics.pixels import PixelAreas, ScoredMaps
from slsg_edge.metrics.regions import PRO_LIMIT
from slsg_edge.metrics.runs import Runs, Scores
from slsg_edge.metrics.saturated import SPRO_LIMITS

BINS = 1024
_SATURATED = tuple(f"spro_{limit}" for limit in SPRO_LIMITS)


def pixel_figures(
    maps: ScoredMaps,
    kinds: Sequence[str],
    images: Sequence[int] | None = None,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> dict[str, Figure | None]:
    """`pixel_auroc`, `pixel_aupr`, `aupro` and `spro_<limit>` over some images or all.

    `kinds`: of every image of `maps`. `spro_<limit>` is None where a defect has no saturation.
    ValueError without good or without defective pixels.
    """
    chosen = list(range(len(maps)) if images is None else images)
    strata = [kinds[image] for image in chosen]
    figures = pixel_replicas(maps, strata, chosen, replicates, seed).figures()
    return {**figures, **{name: figures.get(name) for name in _SATURATED}}


def pixel_replicas(
    maps: ScoredMaps,
    strata: Sequence[str],
    chosen: Sequence[int],
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Replicas:
    """The metrics of the chosen maps, and of as many maps drawn from them; ValueError as above.

    `strata`: the kind of each of the chosen.
    """
    areas = _by_name(maps.areas(chosen))
    exact = np.array(list(areas.values()))
    bins = _histograms(maps, chosen)
    drawn = Bootstrap(strata, replicates, seed).replicas(bins.areas)
    # what the bins lose is lost in every replicate alike, so it is given back
    drawn += exact - bins.areas(np.ones((1, len(chosen)), np.int64))
    return Replicas(tuple(areas), exact, drawn)


def _by_name(areas: PixelAreas) -> dict[str, float]:
    known = {"pixel_auroc": areas.auroc, "pixel_aupr": areas.aupr, "aupro": areas.aupro}
    return known | dict(zip(_SATURATED, (areas.spro or {}).values(), strict=False))


@dataclass(frozen=True, slots=True)
class _Histograms:
    """(images, bins) over ascending scores: pixels, and shares of regions and of saturations.

    `mixed`: the bins that can hold more than one score.
    """

    mixed: NDArray[np.bool_]
    good: Array
    defective: Array
    regions: Array
    saturated: Array | None

    def areas(self, draws: NDArray[np.int64]) -> Array:
        """(replicates, metrics) in the order of `_by_name`."""
        weights = draws.astype(np.float64)
        good, defective, regions = (
            weights @ part for part in (self.good, self.defective, self.regions)
        )
        metrics = [
            curves.area(good, defective),
            curves.average_precision(good, defective, self.mixed),
            curves.area(good, regions, PRO_LIMIT),
        ]
        if self.saturated is not None:
            saturated = weights @ self.saturated
            metrics += [curves.area(good, saturated, limit) for limit in SPRO_LIMITS]
        return np.stack(metrics, axis=1)


def _histograms(maps: ScoredMaps, chosen: Sequence[int]) -> _Histograms:
    selection = maps.selection(chosen)
    samples = maps.good.sample(selection.good), maps.regions.sample(selection.regions)
    edges = _edges(*samples)
    row_of = {image: row for row, image in enumerate(chosen)}

    def histogram(runs: Runs, wanted: Sequence[int], images: Sequence[int], share: bool) -> Array:
        rows = np.zeros((len(chosen), len(edges) + 1))
        for run in wanted:
            counts = _counts(runs.read(run), edges)
            rows[row_of[images[run]]] += counts / runs.length(run) if share else counts
        return rows

    regions = maps.regions, selection.regions, maps.region_images
    saturated = maps.saturated, selection.saturated, maps.saturated_images
    return _Histograms(
        mixed=np.append(True, np.nextafter(edges, np.inf) < np.append(edges[1:], np.inf)),
        good=histogram(maps.good, selection.good, range(len(maps)), share=False),
        defective=histogram(*regions, share=False),
        regions=histogram(*regions, share=True),
        saturated=histogram(*saturated, share=True) if selection.saturated else None,
    )


def _counts(ascending: Scores, edges: NDArray[Any]) -> NDArray[np.int64]:
    """(edges + 1): how many lie below the first edge, between two and from the last on."""
    places = np.searchsorted(ascending, edges, "left")
    return np.diff(places, prepend=0, append=len(ascending))


def _edges(good: Scores, defective: Scores) -> NDArray[Any]:
    """Scores that cut the pixels finely where the false-positive rate is low.

    The rates at the edges are (k / BINS)**2: a hundred of them lie below 0.01, the lowest limit.
    Defective pixels add a quarter as many, evenly. A score that many share gets its own bin.
    """
    rates = (np.arange(BINS) / BINS) ** 2
    picked = np.concatenate(
        [
            good[len(good) - 1 - (rates * len(good)).astype(np.int64)],
            defective[np.linspace(0, len(defective) - 1, BINS // 4).astype(np.int64)],
        ]
    )
    values, counts = np.unique(picked, return_counts=True)
    return np.unique(np.concatenate([values, np.nextafter(values[counts > 1], np.inf)]))
