"""Which images of a set may show the same: those whose thumbnails are alike.

Good parts look alike, so an ordinary perceptual hash takes all of them for copies. Here it is the
hash of what sets an image apart from the mean of the set: differences between neighbouring cells
of the thumbnail, less their mean over all images, and of that the sides of random hyperplanes
(Charikar, Similarity Estimation Techniques from Rounding Algorithms, STOC 2002). Images that share
all bits of a band are compared in full, so that pairs are found without comparing all with all.

Candidates are no proof: the photos of two designs are alike by their design. `duplicates` compares
them at full size.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from slsg_edge.data.survey.comparison import TURNS, turn_of
from slsg_edge.data.survey.facts import THUMBNAIL

# Correlation of what sets two images apart from the rest. As JPEG of quality 60 or at half the
# size, nearly all of 300 images of three products reach it.
ALIKE = 0.98
# The same of what sets an image apart from those most like it: cropped by some pixels or turned.
_RELATED = 0.85

# Likeness of images whose names follow each other, as the frames of a film. So few pairs are
# asked that less is enough than in a whole set: of 731 in the good images of three products one
# reaches it, the next has 0.84. Where a part moves by 1 of 448 pixels from frame to frame, nine
# in ten do.
_FILM = 0.9
_NEARER = 0.5  # of the distance to the nearest that stand elsewhere, 1 less the likeness
_ELSEWHERE, _HIGH = 64, 0.95  # images at most, and the share of them that is further

_BANDS, _BITS = 24, 16  # two images at ALIKE share no band in 1 of 30000 cases
_CROWD = 32  # images of a full bucket that each is compared with, so that cost stays linear
_CHUNK = 1024  # images at a time
_REFERENCES = 512  # images among which those most like one are looked for
_NEAREST = 8
_LUMA = np.array([0.114, 0.587, 0.299], np.float32)  # BGR; JPEG spoils the rest of the colour

Number = TypeVar("Number", np.uint8, np.int64)
Pairs = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Candidates:
    """pairs: (m, 2) indices, the smaller first; the second is to be turned by `turns`."""

    pairs: Pairs
    turns: NDArray[np.int64]
    likeness: NDArray[np.float64]


def alike(thumbnails: NDArray[np.uint8]) -> Candidates:
    """Thumbnails, (n, 32, 32, 3), that reach ALIKE as they are."""
    mean = _mean(thumbnails)
    pairs = _sharing_a_band(_band_keys(_special_chunks(thumbnails, mean)))
    likeness = _likeness(thumbnails, mean, pairs)
    found = likeness >= ALIKE
    return Candidates(pairs[found], np.zeros(found.sum(), np.int64), likeness[found])


def related(thumbnails: NDArray[np.uint8]) -> Candidates:
    """Those with the same unlike the images that are most like them, perhaps moved or turned."""
    count = len(thumbnails)
    own = [_own(thumbnails, turn) for turn in range(TURNS)]
    keys = np.concatenate([_band_keys(iter([some])) for some in own], axis=1)
    turn, pairs = np.divmod(_sharing_a_band(keys), count)
    plain = (turn[:, 0] == 0) & (pairs[:, 0] != pairs[:, 1])
    pairs, turns = pairs[plain], turn[plain, 1]
    likeness = np.array(
        [own[0][one] @ own[turn][other] for (one, other), turn in zip(pairs, turns, strict=True)]
    )
    found = likeness >= _RELATED if len(likeness) else np.zeros(0, bool)
    return Candidates(pairs[found], turns[found], likeness[found].astype(np.float64))


def _own(thumbnails: NDArray[np.uint8], turn: int) -> NDArray[np.float32]:
    """What sets each, turned, apart from those most like it, of length 1 or 0."""
    references = np.linspace(0, len(thumbnails) - 1, min(len(thumbnails), _REFERENCES)).astype(int)
    known = _details(thumbnails[references])
    shown = thumbnails if not turn else np.stack([turn_of(one, turn) for one in thumbnails])
    details = _details(shown)
    for start in range(0, len(details), _CHUNK):
        some = details[start : start + _CHUNK]
        apart = (known**2).sum(1) - 2 * some @ known.T
        apart[np.arange(start, start + len(some))[:, None] == references] = np.inf
        nearest = np.argpartition(apart, _NEAREST - 1, axis=1)[:, :_NEAREST]
        some -= known[nearest].mean(axis=1)
    return of_length_one(details)


def films(
    thumbnails: NDArray[np.uint8], following: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Those of the pairs, frames that follow each other by name, that are neighbours in a film.

    Parts of two designs are alike as frames are, but they are so wherever they stand.
    """
    if not following:
        return []
    mean, pairs = _mean(thumbnails), np.array(following, np.int64)
    near = _likeness(thumbnails, mean, pairs)
    found = [int(index) for index in np.flatnonzero(near >= _FILM)]
    order = np.arange(len(pairs))
    return [
        following[index]
        for index in found
        if 1 - near[index] <= _NEARER * (1 - _elsewhere(thumbnails, mean, pairs, order, index))
    ]


def _elsewhere(
    thumbnails: NDArray[np.uint8],
    mean: NDArray[np.float32],
    pairs: Pairs,
    order: NDArray[np.int64],
    index: int,
) -> float:
    """How like the first of a pair is to those that stand far from it in the order of names."""
    far = pairs[np.abs(order - index) > len(pairs) // 4, 0]
    if not len(far):
        return 0.0
    some = far[np.linspace(0, len(far) - 1, min(len(far), _ELSEWHERE)).astype(int)]
    with_first = np.stack([np.full(len(some), pairs[index, 0]), some], axis=1)
    return float(np.quantile(_likeness(thumbnails, mean, with_first), _HIGH))


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
    return of_length_one(_details(thumbnails) - mean)


def _special_chunks(
    thumbnails: NDArray[np.uint8], mean: NDArray[np.float32]
) -> Iterator[NDArray[np.float32]]:
    return (_special(chunk, mean) for chunk in _chunks(thumbnails))


def of_length_one(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(length, 1e-6), np.float32)


def _band_keys(special: Iterator[NDArray[np.float32]]) -> NDArray[np.uint16]:
    """(bands, n) 16 bits of the hash each."""
    size = 2 * THUMBNAIL * (THUMBNAIL - 1)
    planes = np.random.default_rng(0).standard_normal((size, _BANDS * _BITS)).astype(np.float32)
    keys = [np.packbits(some @ planes > 0, axis=1).view(np.uint16) for some in special]
    return np.concatenate(keys).T


def _sharing_a_band(keys: NDArray[np.uint16]) -> Pairs:
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
