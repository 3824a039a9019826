"""The same photo twice in a data set: files with equal content, and copies that were saved anew.

Parts on a line look alike: two photos are one only when nothing to be seen is left of their
difference (`comparison`), and when that is less by far than what is left between other images and
those most like them. It finds copies that were compressed, resized, made brighter, cropped by some
pixels, turned or mirrored, and pictures of one part at several exposures. All others that are alike
are different parts, or photos of one part that nobody can tell from others.
"""

import functools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slsg_edge.data.survey.candidates import Candidates, alike, of_length_one, related
from slsg_edge.data.survey.comparison import (
    TURNS,
    VISIBLE,
    Difference,
    Photo,
    difference,
    photo_of,
    shift,
    turn_of,
    turned,
)
from slsg_edge.data.survey.facts import ImageFacts
from slsg_edge.progress import Bars, no_progress

MINIMUM = 8  # images; the mean of fewer says nothing about what they have in common

_MOST = 4  # candidates that an image is compared with; more only of a crowd
_CROWDED = 3  # candidates of an image from which on its thumbnail is too coarse to choose among
_FINE = 128  # pixels a side of the pictures that are chosen among then
_CHUNK = 512  # of these at a time
_LAID_ON = 8  # pictures whose mean one is laid on
_SOFT, _MARGIN = 1.25, 4  # pixels
_MUCH_NEARER = 0.9  # of the distance to the next ones, 1 less the likeness
_TYPICAL = 24  # images whose difference from those most like them is measured
_LESS = 0.5  # of a typical difference is at most left between copies
_LESS_VISIBLE = 0.35
_NOTHING = 0.05  # grey levels, root mean square: less than any two photos differ
_KEPT = 48  # photos in memory


@dataclass(frozen=True, slots=True)
class DuplicatePair:
    first: ImageFacts
    second: ImageFacts


@dataclass(frozen=True, slots=True)
class Likeness:
    """Indices of images: of the `same` photo, and of those that only look `alike`."""

    same: tuple[tuple[int, int], ...]
    alike: tuple[tuple[int, int], ...]


def copies(facts: Iterable[ImageFacts]) -> list[tuple[ImageFacts, ...]]:
    """Groups of files with the same content."""
    groups: dict[str, list[ImageFacts]] = {}
    for one in facts:
        groups.setdefault(one.digest, []).append(one)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def near_duplicates(
    facts: Sequence[ImageFacts], bars: Bars = no_progress
) -> tuple[list[DuplicatePair], list[DuplicatePair]]:
    """(the same photo, only alike); files with the same content are `copies` and in no pair."""
    once = list({one.digest: one for one in reversed(facts)}.values())[::-1]
    found = likeness_in([one.path for one in once], [one.thumbnail for one in once], bars)
    same, others = (
        [DuplicatePair(once[one], once[other]) for one, other in pairs]
        for pairs in (found.same, found.alike)
    )
    return same, others


def likeness_in(
    paths: Sequence[Path], thumbnails: Sequence[NDArray[np.uint8]], bars: Bars = no_progress
) -> Likeness:
    """Of images of different content. Those that are candidates are read again."""
    if len(paths) < MINIMUM:
        return Likeness((), ())
    stacked = np.stack(thumbnails)
    like, photos = alike(stacked), _Photos(paths)
    hidden = _hidden(photos, list(_chosen(photos, like, related(stacked))), bars)
    typical = _typical(photos, stacked) if hidden else Difference(0, 0)
    same = tuple(pair for pair, found in hidden.items() if _copy(found, typical))
    known = set(same)
    others = ((int(one), int(other)) for one, other in like.pairs)
    return Likeness(same, tuple(pair for pair in others if pair not in known))


def _hidden(
    photos: "_Photos", chosen: Sequence[tuple[int, int, int]], bars: Bars
) -> dict[tuple[int, int], Difference]:
    """The pairs between which nothing is to be seen."""
    hidden: dict[tuple[int, int], Difference] = {}
    if not chosen:
        return hidden
    with bars("comparing photos", len(chosen)) as advance:
        for one, other, turn in sorted(chosen):
            found = photos.difference(one, other, turn)
            if found is not None and found.visible <= VISIBLE:
                hidden.setdefault((min(one, other), max(one, other)), found)
            advance()
    return hidden


def _copy(found: Difference, typical: Difference) -> bool:
    """Where others differ as little, little to be seen is not enough: noise is all there is."""
    if found.overall > typical.overall:
        return found.overall <= _NOTHING
    return (
        found.overall <= _NOTHING
        or found.visible <= _LESS_VISIBLE * typical.visible
        or found.overall <= _LESS * typical.overall
    )


class _Photos:
    """The last few are remembered."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._photo = functools.lru_cache(_KEPT)(self._read)

    def _read(self, index: int) -> Photo | None:
        return photo_of(self._paths[index])

    def fine(self, index: int) -> NDArray[np.uint8]:
        """(128, 128), black of what is no image any more."""
        import cv2

        found = self._photo(index)
        if found is None:
            return np.zeros((_FINE, _FINE), np.uint8)
        small = cv2.resize(found.grey, (_FINE, _FINE), interpolation=cv2.INTER_AREA)
        return np.asarray(small.round(), np.uint8)

    def difference(self, one: int, other: int, turn: int = 0) -> Difference | None:
        first, second = self._photo(one), self._photo(other)
        if first is None or second is None:
            return None
        return difference(first, turned(second, turn) if turn else second)


def _typical(photos: _Photos, thumbnails: NDArray[np.uint8]) -> Difference:
    """Between an image and the one most like it: the median of some."""
    count = len(thumbnails)
    rows = thumbnails.reshape(count, -1).astype(np.float32)
    some = np.unique(np.linspace(0, count - 1, min(count, _TYPICAL)).round().astype(int))
    apart = (rows**2).sum(1) - 2 * rows[some] @ rows.T
    apart[np.arange(len(some)), some] = np.inf
    pairs = zip(some, apart.argmin(axis=1), strict=True)
    found = [one for a, b in pairs if (one := photos.difference(int(a), int(b))) is not None]
    if not found:
        return Difference(0, 0)
    return Difference(
        float(np.median([one.visible for one in found])),
        float(np.median([one.overall for one in found])),
    )


def _chosen(photos: _Photos, like: Candidates, own: Candidates) -> Iterator[tuple[int, int, int]]:
    """Pairs worth a comparison at full size, with the turn of the second: a few of each image."""
    counts = Counter(like.pairs.ravel().tolist())
    crowd = sorted(index for index, count in counts.items() if count > _CROWDED)
    if len(crowd) < MINIMUM:
        crowd = []
    found = dict.fromkeys((*_best(like), *_best(own)))
    inside = set(crowd)
    few = (one for one in found if not (one[0] in inside and one[1] in inside))
    yield from dict.fromkeys((*few, *_following(like), *_nearest(photos, crowd)))


def _following(like: Candidates) -> Iterator[tuple[int, int, int]]:
    """Photos of one part that was photographed again and again stand side by side."""
    for one, other in like.pairs:
        if other == one + 1:
            yield int(one), int(other), 0


def _best(candidates: Candidates) -> Iterator[tuple[int, int, int]]:
    """The most alike of each image."""
    taken: Counter[int] = Counter()
    for index in np.argsort(-candidates.likeness, kind="stable"):
        one, other = (int(i) for i in candidates.pairs[index])
        if taken[one] < _MOST or taken[other] < _MOST:
            taken.update((one, other))
            yield one, other, int(candidates.turns[index])


def _nearest(photos: _Photos, crowd: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Of a crowd whose thumbnails are all alike: those that are much nearer than the next ones in a
    finer picture.
    """
    if not crowd:
        return
    pictures = _aligned(np.stack([photos.fine(index) for index in crowd]))
    rows = _edges(pictures)
    own = _own(rows, rows, 0)
    for start in range(0, len(crowd), _CHUNK):
        some = pictures[start : start + _CHUNK]
        likeness = np.stack(
            [_turned_likeness(some, turn, rows, own, start) for turn in range(TURNS)]
        )
        for other, each in enumerate(likeness.swapaxes(0, 1), start):
            for turn, near in _outstanding(each):
                yield crowd[near], crowd[other], turn


def _outstanding(likeness: NDArray[np.float32]) -> Iterator[tuple[int, int]]:
    """(turn, index) of (turns, n)."""
    apart = 1 - likeness.ravel()
    order = np.argsort(apart)
    next_ones = apart[order[min(_MOST, len(order) - 1)]]
    for index in order[:_MOST]:
        if apart[index] < _MUCH_NEARER * next_ones:
            turn, near = divmod(int(index), likeness.shape[1])
            yield turn, near


def _aligned(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Each laid on the mean of those most like it, so that one that was cropped meets its twin."""
    import cv2

    rows = _edges(pictures)
    found = []
    for own, picture in enumerate(pictures):
        order = np.argsort(-(rows @ rows[own]))[1 : _LAID_ON + 1]
        mean = pictures[order].mean(axis=0).astype(np.float32)
        moved = shift(mean, picture.astype(np.float32))
        if moved is not None:
            flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            picture = cv2.warpAffine(
                picture, moved, (_FINE, _FINE), flags=flags, borderMode=cv2.BORDER_REPLICATE
            )
        found.append(picture)
    return np.stack(found)


def _turned_likeness(
    pictures: NDArray[np.uint8],
    turn: int,
    rows: NDArray[np.float32],
    own: NDArray[np.float32],
    start: int,
) -> NDArray[np.float32]:
    """(n, m) of what is each one's own, turned, to that of all; none to itself."""
    shown = _edges(np.stack([turn_of(one, turn) for one in pictures]))
    likeness = _own(shown, rows, start) @ own.T
    index = np.arange(len(pictures))
    likeness[index, index + start] = -1
    return np.asarray(likeness, np.float32)


def _own(some: NDArray[np.float32], rows: NDArray[np.float32], start: int) -> NDArray[np.float32]:
    """Less the mean of those of the rows that are most like each, of length 1."""
    products = some @ rows.T
    index = np.arange(len(some))
    products[index, index + start] = -np.inf
    nearest = np.argsort(-products, axis=1)[:, :_LAID_ON]
    return of_length_one(
        np.stack([one - rows[near].mean(axis=0) for one, near in zip(some, nearest, strict=True)])
    )


def _edges(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Differences between neighbours, of length 1, but for the margin."""
    import cv2

    inner = slice(_MARGIN, -_MARGIN)
    soft = np.stack([cv2.GaussianBlur(one.astype(np.float32), (0, 0), _SOFT) for one in pictures])
    parts = [np.diff(soft[:, inner, inner], axis=axis).reshape(len(soft), -1) for axis in (1, 2)]
    return of_length_one(np.concatenate(parts, axis=1))
