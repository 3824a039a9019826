"""Images that show the same: copies, near-duplicates, and the frames of one film.

They must fall on the same side of any split: a detector that has learned one knows the others.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slsg_edge.data.contents import content_hash, thumbnail
from slsg_edge.data.survey.candidates import films
from slsg_edge.data.survey.duplicates import MINIMUM, likeness_in
from slsg_edge.data.threads import in_threads
from slsg_edge.errors import DatasetError
from slsg_edge.progress import Bars, no_progress

_SHARE = 4  # a group has at most one in so many images

_Group = list[int]
_Pairs = list[tuple[int, int]]


def groups_of(paths: Sequence[Path], bars: Bars = no_progress) -> tuple[int, ...]:
    """The number of its group for each path, from 0 in the order given; most are alone in theirs.

    A group of more than a quarter of the images is cut into runs of consecutive paths; only files
    of one content are never parted. A file that cannot be read is alone. Reads every file once,
    and those that may be copies of others again; keeps 3 KB of each.
    """
    with bars("comparing images", len(paths)) as advance:
        thumbnails = in_threads(thumbnail, paths, advance)
    digests = [_digest(path) for path in paths]
    first = {digest: index for index, digest in reversed(list(enumerate(digests)))}
    shown = {
        index: one for index in sorted(first.values()) if (one := thumbnails[index]) is not None
    }
    once = list(shown)
    near = _alike([paths[index] for index in once], list(shown.values()), bars)
    pairs = [(first[digest], index) for index, digest in enumerate(digests)]
    groups = _joined(len(paths), [*pairs, *((once[a], once[b]) for a, b in near)])
    largest = max(1, len(paths) // _SHARE)
    return _numbers([run for group in groups for run in _cut(group, largest, paths, digests)])


def _digest(path: Path) -> str:
    """What cannot be read has its path, since nobody knows its content."""
    try:
        return content_hash(path)
    except DatasetError:
        return str(path)


def _alike(paths: Sequence[Path], thumbnails: Sequence[NDArray[np.uint8]], bars: Bars) -> _Pairs:
    """Near-duplicates, and neighbours in a film; none among few, whose mean says nothing."""
    if len(paths) < MINIMUM:
        return []
    film = films(np.stack(thumbnails), _following(paths))
    return [*likeness_in(paths, thumbnails, bars).same, *film]


def _following(paths: Sequence[Path]) -> _Pairs:
    """Those that follow each other in one folder with names that differ in numbers alone."""
    order = sorted(range(len(paths)), key=lambda index: _natural(paths[index]))
    words = [(path.parent, re.sub(r"\d+", "0", path.name)) for path in paths]
    return [(a, b) for a, b in pairwise(order) if words[a] == words[b]]


def _natural(path: Path) -> tuple[Path, list[tuple[int, str]]]:
    """9 comes before 10."""
    parts = re.split(r"(\d+)", path.name)
    return path.parent, [(int(part) if i % 2 else 0, part) for i, part in enumerate(parts)]


def _joined(count: int, pairs: _Pairs) -> list[_Group]:
    """The groups that pairs of so many indices make (union-find), in the order of their first."""
    parents = list(range(count))

    def root(index: int) -> int:
        while parents[index] != index:
            parents[index] = parents[parents[index]]
            index = parents[index]
        return index

    for one, other in pairs:
        low, high = sorted((root(one), root(other)))
        parents[high] = low
    groups: dict[int, _Group] = {}
    for index in range(count):
        groups.setdefault(root(index), []).append(index)
    return list(groups.values())


def _cut(
    group: _Group, largest: int, paths: Sequence[Path], digests: Sequence[str]
) -> Iterator[_Group]:
    """Runs of about one size, at most `largest` where the copies of one file allow it."""
    if len(group) <= largest:
        yield group
        return
    copies: dict[str, _Group] = {}
    for index in sorted(group, key=lambda index: _natural(paths[index])):
        copies.setdefault(digests[index], []).append(index)
    runs = -(-len(group) // largest)
    size = -(-len(group) // runs)
    run: _Group = []
    for some in copies.values():
        if run and len(run) + len(some) > size:
            yield run
            run = []
        run = [*run, *some]
    yield run


def _numbers(groups: Sequence[_Group]) -> tuple[int, ...]:
    order = sorted(groups, key=min)
    found = {index: number for number, group in enumerate(order) for index in group}
    return tuple(found[index] for index in range(len(found)))
