"""What a reader of a layout is, and what it gives."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from slsg_edge.contracts import Sample
from slsg_edge.data.dataset import Layout


@dataclass(frozen=True, slots=True)
class FolderContents:
    """The samples, masks that belong to none of them, and images that have no label."""

    samples: tuple[Sample, ...]
    stray_masks: tuple[Path, ...] = ()
    unlabelled: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Reader:
    """`recognises` looks at names alone, and `read` is called only where it says yes."""

    layout: Layout
    recognises: Callable[[Path], bool]
    read: Callable[[Path], FolderContents]
