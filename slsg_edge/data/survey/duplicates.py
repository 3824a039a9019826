"""The same photo twice in a data set: files with equal content, and copies that were saved anew.

Good parts look alike, so an ordinary perceptual hash takes all of them for copies. Here it is the
hash of what sets an image apart from the mean of the set: differences between neighbouring cells
of the thumbnail, less their mean over all images, and of that the sides of random hyperplanes
(Charikar, Similarity Estimation Techniques from Rounding Algorithms, STOC 2002). Images that share
all bits of a band are compared in full, so that pairs are found without comparing all with all.

It finds copies that were compressed, resized or made a little brighter, and pictures of one part
at several exposures; not those that were cropped, moved or turned.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from slsg_edge.data.survey.facts import THUMBNAIL, ImageFacts

# Correlation of what sets two images apart from the rest. Measured on 300 images of three
# products: as JPEG of quality 60 all reach it, at half the size 299, 10 % brighter 222 (those
# missed are overexposed); no two photos of different parts among 740 do.
ALIKE = 0.98
MINIMUM = 8  # images; the mean of fewer says nothing about what they have in common

_BANDS, _BITS = 24, 16  # two images at ALIKE share no band in 1 of 30000 cases
_CROWD = 32  # images of a full bucket that each is compared with, so that cost stays linear
_CHUNK = 1024  # images at a time
_LUMA = np.array([0.114, 0.587, 0.299], np.float32)  # BGR; JPEG spoils the rest of the colour

Number = TypeVar("Number", np.uint8, np.int64)


@dataclass(frozen=True, slots=True)
class DuplicatePair:
    """Two photos that are one, and how much alike they are: 1 is the same."""

    first: ImageFacts
    second: ImageFacts
    likeness: float


def copies(facts: Iterable[ImageFacts]) -> list[tuple[ImageFacts, ...]]:
    """Groups of files with the same content."""
    groups: dict[str, list[ImageFacts]] = {}
    for one in facts:
        groups.setdefault(one.digest, []).append(one)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def near_duplicates(facts: Sequence[ImageFacts]) -> list[DuplicatePair]:
    """Most alike first; files with the same content are `copies` and in no pair."""
    once = list({one.digest: one for one in reversed(facts)}.values())[::-1]
    if len(once) < MINIMUM:
        return []
    pairs, likeness = alike(np.stack([one.thumbnail for one in once]))
    order = np.argsort(-likeness, kind="stable")
    return [DuplicatePair(once[pairs[i, 0]], once[pairs[i, 1]], float(likeness[i])) for i in order]


def alike(thumbnails: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(m, 2) indices of thumbnails, (n, 32, 32, 3), that reach ALIKE, and how far they do."""
    mean = _mean(thumbnails)
    pairs = _candidates(_band_keys(thumbnails, mean))
    likeness = _likeness(thumbnails, mean, pairs)
    found = likeness >= ALIKE
    return pairs[found], likeness[found]


def likeness_of_pairs(
    thumbnails: NDArray[np.uint8], pairs: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Of chosen (m, 2) pairs of thumbnails, as in `DuplicatePair`."""
    return _likeness(thumbnails, _mean(thumbnails), pairs)


def _details(thumbnails: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, 2 * 32 * 31) differences of neighbouring cells, whatever brightness and contrast."""
    grey = thumbnails @ _LUMA
    grey -= grey.mean(axis=(1, 2), keepdims=True)
    grey /= grey.std(axis=(1, 2), keepdims=True) + 4  # grey levels: an even area is no detail
    count = len(grey)
    across, down = np.diff(grey, axis=2), np.diff(grey, axis=1)
    return np.concatenate([across.reshape(count, -1), down.reshape(count, -1)], axis=1)


def _mean(thumbnails: NDArray[np.uint8]) -> NDArray[np.float32]:
    total = sum(_details(chunk).sum(axis=0, dtype=np.float64) for chunk in _chunks(thumbnails))
    return np.asarray(total / len(thumbnails), np.float32)


def _special(thumbnails: NDArray[np.uint8], mean: NDArray[np.float32]) -> NDArray[np.float32]:
    """What sets each image apart, of length 1, or 0 where nothing does."""
    special = _details(thumbnails) - mean
    length = np.linalg.norm(special, axis=1, keepdims=True)
    return np.asarray(special / np.maximum(length, 1e-6), np.float32)


def _band_keys(thumbnails: NDArray[np.uint8], mean: NDArray[np.float32]) -> NDArray[np.uint16]:
    """(bands, n) 16 bits of the hash each."""
    size = 2 * THUMBNAIL * (THUMBNAIL - 1)
    planes = np.random.default_rng(0).standard_normal((size, _BANDS * _BITS)).astype(np.float32)
    keys = [
        np.packbits(_special(chunk, mean) @ planes > 0, axis=1).view(np.uint16)
        for chunk in _chunks(thumbnails)
    ]
    return np.concatenate(keys).T


def _candidates(keys: NDArray[np.uint16]) -> NDArray[np.int64]:
    """(m, 2) indices of images that share a band, each pair once, the smaller first."""
    count = keys.shape[1]
    found = [np.empty(0, np.int64)]
    for band, following in zip(keys, np.roll(keys, -1, axis=0), strict=True):
        # within a bucket by the next band, so that of a full one those nearest are compared
        order = np.lexsort((following, band))
        for step in range(1, _CROWD + 1):
            left, right = order[:-step], order[step:]
            same = band[left] == band[right]
            if not same.any():
                break
            low, high = np.minimum(left, right)[same], np.maximum(left, right)[same]
            found.append(low.astype(np.int64) * count + high)
        found = [np.unique(np.concatenate(found))]
    return np.stack(np.divmod(found[0], count), axis=1)


def _likeness(
    thumbnails: NDArray[np.uint8], mean: NDArray[np.float32], pairs: NDArray[np.int64]
) -> NDArray[np.float64]:
    products = [
        np.einsum(
            "ij,ij->i",
            _special(thumbnails[chunk[:, 0]], mean),
            _special(thumbnails[chunk[:, 1]], mean),
        )
        for chunk in _chunks(pairs)
    ]
    return np.concatenate([np.empty(0), *products])


def _chunks(rows: NDArray[Number]) -> Iterator[NDArray[Number]]:
    return (rows[start : start + _CHUNK] for start in range(0, len(rows), _CHUNK))
