"""Every metric of image scores with its confidence interval, over all kinds and for each."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slsg_edge.contracts import GOOD
from slsg_edge.metrics import curves
from slsg_edge.metrics.curves import Array
from slsg_edge.metrics.intervals import (
    REPLICATES,
    Bootstrap,
    Figure,
    Replicas,
    delong_figure,
)
from slsg_edge.metrics.ranking import require_both

MISS_RATES = (0.0, 0.01, 0.05, 0.1)


def _best_f1(good: NDArray[Any], defective: NDArray[Any]) -> Array:
    return np.asarray(curves.f1(good, defective).max(axis=-1))


IMAGE_METRICS: Mapping[str, Callable[[NDArray[Any], NDArray[Any]], Array]] = {
    "image_auroc": curves.area,
    "image_aupr": curves.average_precision,
    "f1_max": _best_f1,
    **{
        f"good_kept_at_{rate:.0%}_missed": partial(curves.good_kept, missed=rate)
        for rate in MISS_RATES
    },
    **{
        f"false_alarm_rate_at_{rate:.0%}_missed": partial(curves.false_alarm_rate, missed=rate)
        for rate in MISS_RATES
    },
}


def image_figures(
    scores: ArrayLike, kinds: Sequence[str], replicates: int = REPLICATES, seed: int = 0
) -> dict[str, Figure]:
    """Every one of `IMAGE_METRICS`, and `image_auroc_delong`, over images of these kinds.

    The intervals are by bootstrap, but DeLong's for the last. ValueError without good or without
    defective images, or with a score that is not finite.
    """
    delong = delong_figure(scores, [kind != GOOD for kind in kinds])
    figures = image_replicas(scores, kinds, replicates, seed).figures()
    return {**figures, "image_auroc_delong": delong}


def image_replicas(
    scores: ArrayLike, kinds: Sequence[str], replicates: int = REPLICATES, seed: int = 0
) -> Replicas:
    """`IMAGE_METRICS` of these images and of as many drawn from them; ValueError as above."""
    values = np.asarray(scores, np.float64)
    good = np.array([kind == GOOD for kind in kinds], bool)
    require_both(int(good.sum()), int((~good).sum()))
    if not np.isfinite(values).all():
        raise ValueError("a score is not finite")
    order = np.argsort(values)
    starts = np.flatnonzero(np.diff(values[order], prepend=-np.inf))

    def metrics(draws: NDArray[np.int64]) -> Array:
        """(replicates, IMAGE_METRICS)"""
        per_score = [
            np.add.reduceat((draws * chosen)[:, order], starts, axis=1) for chosen in (good, ~good)
        ]
        return np.stack([metric(*per_score) for metric in IMAGE_METRICS.values()], axis=1)

    (exact,) = metrics(np.ones((1, len(values)), np.int64))
    return Replicas(
        tuple(IMAGE_METRICS), exact, Bootstrap(kinds, replicates, seed).replicas(metrics)
    )


def image_figures_by_kind(
    scores: ArrayLike, kinds: Sequence[str], replicates: int = REPLICATES, seed: int = 0
) -> dict[str, dict[str, Figure]]:
    """The figures of each kind of defect against all good images; ValueError as above."""
    values = np.asarray(scores, np.float64)
    figures = {}
    for kind in dict.fromkeys(kind for kind in kinds if kind != GOOD):
        chosen = [index for index, name in enumerate(kinds) if name in (GOOD, kind)]
        strata = [kinds[index] for index in chosen]
        figures[kind] = image_figures(values[chosen], strata, replicates, seed)
    return figures
