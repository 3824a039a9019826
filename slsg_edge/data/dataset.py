"""A data set that was read: its samples, and what lay beside them.

Knows nothing about folders; `layouts` does.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from slsg_edge.contracts import Sample, Split
from slsg_edge.data.left_out import LeftOut, lines_of
from slsg_edge.errors import DatasetError

Layout: TypeAlias = Literal[
    "list", "mvtec-ad-2", "kolektor", "btad", "loco", "mvtec", "visa", "folders", "plain"
]

# One batch of good images. Fewer cannot show what varies in a good part and what does not.
TRAINING_MINIMUM = 4


@dataclass(frozen=True, slots=True)
class Dataset:
    """The images of a folder, sorted by split, kind and name.

    `stray_masks` belong to no image; `unlabelled` images are in no split, since nobody says
    whether they are good; `left_out` are files that look like images and are none of these. `why`:
    what shows the layout.
    """

    folder: Path
    layout: Layout
    samples: tuple[Sample, ...]
    stray_masks: tuple[Path, ...] = ()
    unlabelled: tuple[Path, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    why: str = ""

    def of(self, split: Split, good: bool | None = None) -> tuple[Sample, ...]:
        """The samples of one split: all, the good ones (True) or the defective ones (False)."""
        return tuple(
            sample
            for sample in self.samples
            if sample.split == split and good in (None, sample.good)
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """For people, on what was not read."""
        return lines_of(self.left_out)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of defect among the test images."""
        return tuple(dict.fromkeys(sample.kind for sample in self.of("test", good=False)))


def training_images(dataset: Dataset) -> tuple[Path, ...]:
    """The good images to train on; DatasetError when fewer than TRAINING_MINIMUM."""
    images = tuple(sample.image for sample in dataset.of("train", good=True))
    require_enough(images, dataset.folder)
    return images


def require_enough(images: tuple[Path, ...], folder: Path) -> None:
    """DatasetError when these are too few to train on."""
    if len(images) < TRAINING_MINIMUM:
        raise DatasetError(
            f"{folder} has {len(images)} good {'image' if len(images) == 1 else 'images'} to "
            f"train on, and training needs at least {TRAINING_MINIMUM}.",
            fix="Add good images: 50 are a start, a few hundred are better.",
        )
