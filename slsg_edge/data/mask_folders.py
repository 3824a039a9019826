"""Folders of masks that are called like a kind of defect, so that each mask would be a defect."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from slsg_edge.contracts import Sample
from slsg_edge.data.dataset import Dataset
from slsg_edge.data.masks import HALF, grey_of, looks_like_mask_of
from slsg_edge.data.names import without_mask_ending

MASKS_AS_IMAGES = (
    "Call the folder of masks ground_truth, gt, mask or masks; folders in it are called as the "
    "kinds."
)

_LOOKED_AT = 3  # files of a folder that are opened
_KINDS = 8  # grey values of a mask that has a small number for each kind of defect


def folders_of_masks(dataset: Dataset) -> tuple[Path, ...]:
    """Folders of defective images that are black but for a few grey values, where the images of
    the same names, or else of other folders, are photos of the same size.

    A few files of each folder are opened.
    """
    folders: dict[Path, list[Path]] = {}
    for sample in _defective(dataset):
        folders.setdefault(sample.image.parent, []).append(sample.image)
    images = _by_stem(sample.image for sample in dataset.samples)
    return tuple(folder for folder, paths in folders.items() if _are_masks(paths, images))


def _defective(dataset: Dataset) -> Iterable[Sample]:
    return () if dataset.layout == "kolektor" else (one for one in dataset.samples if not one.good)


def _by_stem(images: Iterable[Path]) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for image in images:
        found.setdefault(image.stem, []).append(image)
    return found


def _are_masks(paths: Sequence[Path], images: dict[str, list[Path]]) -> bool:
    some = paths[:: max(1, len(paths) // _LOOKED_AT)][:_LOOKED_AT]
    pairs = [(path, _partner(path, images)) for path in some]
    alike = all(image and looks_like_mask_of(path, image) for path, image in pairs)
    return alike and any(_marks(path) for path, _ in pairs)


def _partner(path: Path, images: dict[str, list[Path]]) -> Path | None:
    """An image elsewhere of the same name, or of the name that a mask has without its ending."""
    stems = (path.stem, without_mask_ending(path.stem), *images)
    others = (image for stem in stems if stem for image in images.get(stem, ()))
    return next((image for image in others if image.parent != path.parent), None)


def _marks(path: Path) -> bool:
    """Not so a dark photo: it has many values, and none is bright."""
    grey = grey_of(path)
    return bool(grey.any()) and bool(grey.max() >= HALF or len(np.unique(grey)) <= _KINDS)
