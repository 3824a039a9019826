"""What a reader of a layout is, and what it gives."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from slsg_edge.contracts import Sample
from slsg_edge.data.dataset import Layout


@dataclass(frozen=True, slots=True)
class FolderContents:
    """The samples, masks that belong to none of them, images that have no label, and masks that
    say that an image is good.
    """

    samples: tuple[Sample, ...]
    stray_masks: tuple[Path, ...] = ()
    unlabelled: tuple[Path, ...] = ()
    black_masks: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Reader:
    """`read` is called only where `recognises` says yes. `why`: what a folder has that does so."""

    layout: Layout
    recognises: Callable[[Path], bool]
    read: Callable[[Path], FolderContents]
    why: str
