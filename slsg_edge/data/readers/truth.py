"""Which masks belong to an image: by the name of the folder that they lie in, and their own.

A folder of masks (`ground_truth`, `gt`, `mask`, `masks` and so on) lies anywhere in a data set, and
is for the images beside it and below. In it they lie as the images do, or a part of that:

    NG/crack/7.png      mask/NG/crack/7.png, mask/crack/7.png, mask/7_mask.png, NG/mask/crack/7.png
    test/hole/7.png     ground_truth/hole/7_mask.png, ground_truth/hole/7/000.png

A mask may also lie beside its image, called `7_mask.png`, `7_GT.png` or `7_label.png`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from slsg_edge.contracts import Sample, Split
from slsg_edge.data.masks import is_black, looks_like_mask_of
from slsg_edge.data.names import is_good, is_masks, without_mask_ending
from slsg_edge.data.readers.files import (
    all_folders_in,
    all_images_below,
    folders_in,
    masks_by_image,
    strays,
)

_DEPTH = 3  # folders below a data set in which folders of masks are looked for
_LOOKED_AT = 5  # pairs that are opened to see whether one of them is a mask


@dataclass(frozen=True, slots=True)
class Beside:
    """The images of a folder, the mask that lies beside some of them, and all such masks."""

    images: tuple[Path, ...]
    masks: Mapping[Path, Path]


def parted(paths: Sequence[Path]) -> Beside:
    """Images and masks that lie together, told apart by name and, of a few, by content."""
    stems = {(path.parent, path.stem): path for path in paths}
    pairs = {
        path: image
        for path in paths
        if (stem := without_mask_ending(path.stem)) and (image := stems.get((path.parent, stem)))
    }
    if not looks_like_pairs(list(pairs.items())):
        return Beside(tuple(paths), {})
    images = tuple(path for path in paths if path not in pairs)
    return Beside(images, {image: mask for mask, image in pairs.items()})


def defective(paths: Sequence[Path], kind: str, split: Split = "test") -> list[Sample]:
    """Images of one kind, each with the mask that lies beside it."""
    found = parted(paths)
    return [
        Sample(image, split, kind, (found.masks[image],) if image in found.masks else ())
        for image in found.images
    ]


def black_ones(masks: Iterable[Path]) -> tuple[Path, ...]:
    """Of masks beside good images, those that say so; the others mark a defect in a good image."""
    return tuple(mask for mask in masks if is_black(mask))


def looks_like_pairs(pairs: Sequence[tuple[Path, Path]]) -> bool:
    """Whether these are masks, each with its image, as far as a few of them show.

    Half of the few are enough: one file may be damaged, or a photo of one grey.
    """
    some = pairs[:: max(1, len(pairs) // _LOOKED_AT)]
    return 2 * sum(looks_like_mask_of(mask, image) for mask, image in some) >= max(1, len(some))


def with_masks(
    samples: Iterable[Sample], home: Path
) -> tuple[tuple[Sample, ...], tuple[Path, ...]]:
    """The samples with the masks of the folders of masks in `home`, and those that are left.

    A mask that two images of several folders could have belongs to none.
    """
    truths = tuple(_truth_folders(home, _DEPTH))
    lookup = _Lookup(truths)
    found = [
        sample if sample.good or sample.masks else replace(sample, masks=lookup.masks_of(sample))
        for sample in samples
    ]
    places = Counter(mask for mask, _ in {(m, s.image.parent) for s in found for m in s.masks})
    sure = tuple(
        replace(one, masks=()) if any(places[mask] > 1 for mask in one.masks) else one
        for one in found
    )
    masks = (mask for truth in truths for mask in all_images_below(truth))
    return sure, strays((mask for mask in masks if not _of_good(mask, truths)), sure)


class _Lookup:
    """Folders of masks, each listed once."""

    def __init__(self, truths: Sequence[Path]) -> None:
        self._truths = truths
        self._listed: dict[Path, Mapping[str, tuple[Path, ...]]] = {}

    def masks_of(self, sample: Sample) -> tuple[Path, ...]:
        stem, places = sample.image.stem, self._places(sample.image.parent)
        return next((masks for place in places if (masks := self._in(place).get(stem))), ())

    def _in(self, folder: Path) -> Mapping[str, tuple[Path, ...]]:
        if folder not in self._listed:
            self._listed[folder] = masks_by_image(folder)
        return self._listed[folder]

    def _places(self, folder: Path) -> Iterator[Path]:
        """Where the masks of the images in `folder` may lie, the most alike first."""
        for truth in self._truths:
            if folder.is_relative_to(truth.parent):
                parts = folder.relative_to(truth.parent).parts
                yield from (truth.joinpath(*parts[at:]) for at in range(len(parts)))
                yield from (truth.joinpath(*parts[at:-1]) for at in range(max(0, len(parts) - 1)))
                yield truth


def _truth_folders(folder: Path, depth: int) -> Iterator[Path]:
    inner = all_folders_in(folder)
    yield from (path for path in inner if is_masks(path.name))
    if depth:
        for path in folders_in(folder):
            if not path.is_symlink():
                yield from _truth_folders(path, depth - 1)


def _of_good(mask: Path, truths: Iterable[Path]) -> bool:
    """A good image has no defect, so that a black mask of one says nothing."""
    inside = (mask.relative_to(truth).parts for truth in truths if mask.is_relative_to(truth))
    return any(is_good(part) for parts in inside for part in parts[:-1])
