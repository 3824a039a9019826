"""Good images that are unlike the other good ones: defects in the wrong folder, bad exposures.

Cheap features and robust statistics (median and median absolute deviation), so that a few wrong
images do not hide themselves. It is a hint where to look, no verdict.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slsg_edge.data.survey.facts import THUMBNAIL, ImageFacts

MINIMUM = 20  # images; the spread of fewer says too little
# Robust standard deviations. Measured on three products: of 844 good images none is further out.
# One defective image among the good ones is found for 50 of 63 bottles, 44 of 71 juice bottles
# and none of 133 magnetic tiles, whose cracks are finer than a thumbnail.
FAR = 5.0

_REFERENCES = 512  # images that every image is compared with, so that cost stays linear
_NEAREST = 5
_CELLS = 4  # most different cells of a thumbnail that make a place
_CHUNK = 512  # images at a time

# The least that counts as one standard deviation, in the units of the feature.
_FLOORS = {"brightness": 1.0, "contrast": 1.0, "sharpness": 0.05, "whole": 0.05, "place": 0.05}
_MORE = {
    "brightness": "brighter than the others",
    "contrast": "more contrast than the others",
    "sharpness": "sharper or noisier than the others",
    "whole": "unlike the others as a whole",
    "place": "unlike the others in one place",
}
_LESS = {
    "brightness": "darker than the others",
    "contrast": "less contrast than the others",
    "sharpness": "less sharp than the others",
}


@dataclass(frozen=True, slots=True)
class Outlier:
    """`reason`: what is furthest out, by `deviations` robust standard deviations."""

    facts: ImageFacts
    reason: str
    deviations: float


def find_outliers(good: Sequence[ImageFacts]) -> list[Outlier]:
    """The furthest out first; none among fewer than MINIMUM."""
    if len(good) < MINIMUM:
        return []
    features = _features(good)
    found = []
    for index, facts in enumerate(good):
        reasons = {_reason(name, z[index]): abs(z[index]) for name, z in features.items()}
        worst = max(reasons, key=reasons.__getitem__)
        if reasons[worst] > FAR:
            found.append(Outlier(facts, worst, float(reasons[worst])))
    return sorted(found, key=lambda odd: -odd.deviations)


def _reason(name: str, z: float) -> str:
    return _MORE[name] if z > 0 or name not in _LESS else _LESS[name]


def _features(good: Sequence[ImageFacts]) -> Mapping[str, NDArray[np.float64]]:
    """Robust deviations of each feature, (n,); to be like the others is nothing odd."""
    whole, place = _distances(np.stack([facts.thumbnail for facts in good]))
    raw = {
        "brightness": np.array([facts.brightness for facts in good]),
        "contrast": np.array([facts.contrast for facts in good]),
        "sharpness": np.log1p([facts.sharpness for facts in good]),
        "whole": np.log1p(whole),
        "place": np.log1p(place),
    }
    z = {name: _deviations(values, _FLOORS[name]) for name, values in raw.items()}
    return {**z, "whole": np.maximum(z["whole"], 0), "place": np.maximum(z["place"], 0)}


def _deviations(values: NDArray[np.float64], floor: float) -> NDArray[np.float64]:
    middle = np.median(values)
    spread = 1.4826 * np.median(np.abs(values - middle))  # of a normal distribution: sigma
    return np.asarray((values - middle) / max(spread, floor))


def _distances(
    thumbnails: NDArray[np.uint8],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n,) twice, in grey levels: to the third nearest of the references as a whole, and where
    none of the five nearest is like the image.
    """
    count = len(thumbnails)
    chosen = np.linspace(0, count - 1, min(count, _REFERENCES)).round().astype(int)
    references = thumbnails[chosen].reshape(len(chosen), -1).astype(np.float32)
    whole, place = np.empty(count), np.empty(count)
    for start in range(0, count, _CHUNK):
        chunk = thumbnails[start : start + _CHUNK]
        some = chunk.reshape(-1, references.shape[1]).astype(np.float32)
        rows = slice(start, start + len(some))
        distances = _to_each(some, references)
        own = np.arange(start, start + len(some))[:, None] == chosen
        distances[own] = np.inf
        nearest = np.argpartition(distances, _NEAREST, axis=1)[:, :_NEAREST]
        whole[rows] = np.sort(np.take_along_axis(distances, nearest, 1), axis=1)[:, 2]
        place[rows] = [
            _in_one_place(one, references[near]) for one, near in zip(some, nearest, strict=True)
        ]
    return whole, place


def _to_each(some: NDArray[np.float32], references: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, m) root mean square difference."""
    squares = (some**2).sum(1)[:, None] + (references**2).sum(1) - 2 * some @ references.T
    return np.asarray(np.sqrt(np.maximum(squares, 0) / some.shape[1]), np.float32)


def _in_one_place(image: NDArray[np.float32], nearest: NDArray[np.float32]) -> float:
    """How far the few most different places are from the nearest image that has them best."""
    import cv2

    apart = np.abs(image - nearest).reshape(len(nearest), THUMBNAIL, THUMBNAIL, 3)
    smooth = cv2.blur(apart.max(axis=3).min(axis=0), (2, 2))
    return float(np.partition(smooth, -_CELLS, axis=None)[-_CELLS:].mean())
