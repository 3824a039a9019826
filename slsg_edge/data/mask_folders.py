"""Folders of masks that are called like a kind of defect, so that each mask would be a defect."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from slsg_edge.contracts import Sample
from slsg_edge.data.dataset import Dataset
from slsg_edge.data.masks import looks_like_mask_of
from slsg_edge.data.names import without_mask_ending

MASKS_AS_IMAGES = "Call the folder of masks ground_truth, gt, mask or masks, as the kind in it."

_LOOKED_AT = 3  # files of a folder that are opened
_SHARE = 0.9  # of the files in a folder of masks that are called as images elsewhere


def folders_of_masks(dataset: Dataset) -> tuple[Path, ...]:
    """Folders of defective images that have a few grey values, the names of other images and
    their sizes.

    Few files are opened: names alone show that most folders are none.
    """
    folders: dict[Path, list[Path]] = {}
    for sample in _defective(dataset):
        folders.setdefault(sample.image.parent, []).append(sample.image)
    images = _by_stem(sample.image for sample in dataset.samples)
    return tuple(folder for folder, paths in folders.items() if _are_masks(folder, paths, images))


def _defective(dataset: Dataset) -> Iterable[Sample]:
    return () if dataset.layout == "kolektor" else (one for one in dataset.samples if not one.good)


def _by_stem(images: Iterable[Path]) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for image in images:
        found.setdefault(image.stem, []).append(image)
    return found


def _are_masks(folder: Path, paths: Sequence[Path], images: dict[str, list[Path]]) -> bool:
    partners = {path: _partner(path, images) for path in paths}
    named = [(path, image) for path, image in partners.items() if image]
    if not named or len(named) < _SHARE * len(paths):
        return False
    some = named[:: max(1, len(named) // _LOOKED_AT)][:_LOOKED_AT]
    return all(looks_like_mask_of(path, image) for path, image in some)


def _partner(path: Path, images: dict[str, list[Path]]) -> Path | None:
    """An image elsewhere of the same name, or of the name that a mask has without its ending."""
    stems = (path.stem, without_mask_ending(path.stem))
    others = (image for stem in stems if stem for image in images.get(stem, ()))
    return next((image for image in others if image.parent != path.parent), None)
