"""Which images were taken together: the day, lot or set-up of each.

Good images of one day say little about the next. Who sorts images says it with folders or a list;
otherwise the times of the files may show it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from slsg_edge.contracts import Sample

PAUSE = 6 * 3600  # seconds without an image, after which another acquisition begins
_DAY = 24 * 3600  # seconds that the images of a folder spread over at least, or they are one


def acquisitions_of(samples: Sequence[Sample]) -> tuple[Sample, ...]:
    """The same samples, each without an acquisition given the one that its file's time shows.

    It is named by its first image, as in `2026-11-28 06h` of this computer's clock. The images of
    a folder that were taken within a day, or without a pause, stay without: so do copied or
    unpacked ones, whose files are all of one moment.
    """
    folders: dict[Path, list[Path]] = {}
    for sample in samples:
        if not sample.acquisition:
            folders.setdefault(sample.image.parent, []).append(sample.image)
    shown = {image: name for images in folders.values() for image, name in _by_time(images).items()}
    return tuple(
        replace(sample, acquisition=shown.get(sample.image, ""))
        if not sample.acquisition
        else sample
        for sample in samples
    )


def _by_time(images: Iterable[Path]) -> Mapping[Path, str]:
    """Empty where the times show one acquisition or none."""
    times = {image: time for image in images if (time := _time(image)) is not None}
    order = sorted(times, key=lambda image: times[image])
    if not order or times[order[-1]] - times[order[0]] <= _DAY:
        return {}
    later = {after for before, after in pairwise(order) if times[after] - times[before] >= PAUSE}
    if not later:
        return {}
    names, name = {}, _named(times[order[0]])
    for image in order:
        name = _named(times[image]) if image in later else name
        names[image] = name
    return names


def _named(time: float) -> str:
    return datetime.fromtimestamp(time).strftime("%Y-%m-%d %Hh")


def _time(image: Path) -> float | None:
    """None for what is not there, which whoever reads it will say."""
    try:
        return image.stat().st_mtime
    except OSError:
        return None
