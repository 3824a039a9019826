"""What a reader of a layout is, and what it gives."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from slsg_edge.contracts import Sample
from slsg_edge.data.dataset import Layout
from slsg_edge.data.left_out import LeftOut


@dataclass(frozen=True, slots=True)
class FolderContents:
    """The samples, masks that belong to none of them, images that have no label, and what the
    reader knows to be no image of the data set.
    """

    samples: tuple[Sample, ...]
    stray_masks: tuple[Path, ...] = ()
    unlabelled: tuple[Path, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, slots=True)
class Reader:
    """`read` is called only where `recognises` says yes. `why`: what a folder has that does so."""

    layout: Layout
    recognises: Callable[[Path], bool]
    read: Callable[[Path], FolderContents]
    why: str
