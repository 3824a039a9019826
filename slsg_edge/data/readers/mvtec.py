"""MVTec AD, MVTec LOCO, MVTec AD 2 and BTAD: a folder per split, and in it one per kind.

    MVTec AD      train/good, test/<kind>, ground_truth/<kind>/<image>_mask.png
    MVTec LOCO    also validation/good; ground_truth/<kind>/<image>/000.png and more, or as above
    MVTec AD 2    also validation/good; test_public/<kind>, test_public/ground_truth/<kind>,
                  and test_private, test_private_mixed without labels
    BTAD          train/ok, test/ok, test/ko, ground_truth/ko/<image>.png or .bmp

A folder in one of good images is an acquisition, as train/good/monday.

VisA as its authors convert it is of the first form, with masks called like their images.
"""

from dataclasses import dataclass
from pathlib import Path

from slsg_edge.contracts import GOOD, Sample, Split
from slsg_edge.data.readers.files import (
    TRUTH_FOLDER,
    folders_in,
    good_images_in,
    images_in,
    mask_files,
    masks_by_image,
    strays,
    truth_files,
)
from slsg_edge.data.readers.reader import FolderContents
from slsg_edge.data.saturation import DEFECTS_CONFIG_FILE
from slsg_edge.errors import DatasetError

_PUBLIC = "test_public"
_PRIVATE = ("test_private", "test_private_mixed")
_SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class _Names:
    """What a family calls the folder of good images, that of the test and that of the masks."""

    good: str = GOOD
    test: str = "test"
    truth: str = TRUTH_FOLDER

    def folder_of(self, split: Split) -> str:
        return self.test if split == "test" else split


_BTAD = _Names(good="ok")


def is_mvtec(folder: Path) -> bool:
    return any((folder / split).is_dir() for split in _SPLITS)


def is_loco(folder: Path) -> bool:
    """By `validation`, by the file with the kinds of defect, or by several masks for an image."""
    nested = any(folders_in(kind) for kind in folders_in(folder / TRUTH_FOLDER))
    known = (folder / "validation").is_dir() or (folder / DEFECTS_CONFIG_FILE).is_file() or nested
    return is_mvtec(folder) and known


def is_mvtec_ad_2(folder: Path) -> bool:
    return (folder / _PUBLIC).is_dir()


def is_btad(folder: Path) -> bool:
    names = ("train/ok", "test/ok", "test/ko")
    return not (folder / "train" / GOOD).is_dir() and any((folder / x).is_dir() for x in names)


def read_mvtec(folder: Path) -> FolderContents:
    return _read(folder, _Names())


def read_btad(folder: Path) -> FolderContents:
    return _read(folder, _BTAD)


def read_mvtec_ad_2(folder: Path) -> FolderContents:
    inside = f"{_PUBLIC}/{TRUTH_FOLDER}"
    truth = inside if (folder / inside).is_dir() else TRUTH_FOLDER
    found = _read(folder, _Names(test=_PUBLIC, truth=truth))
    private = tuple(path for name in _PRIVATE for path in mask_files(folder / name))
    return FolderContents(found.samples, found.stray_masks, private)


def _read(folder: Path, names: _Names) -> FolderContents:
    train = folder / "train"
    if train.is_dir() and not (train / names.good).is_dir():
        raise DatasetError(
            f"{train} has no folder '{names.good}'.",
            fix=f"Put the good images in {train / names.good}.",
        )
    samples = tuple(
        sample
        for split in _SPLITS
        for kind in _kinds(folder / names.folder_of(split), split, names)
        for sample in _samples(kind, split, folder / names.truth, names)
    )
    return FolderContents(samples, strays(truth_files(folder / names.truth), samples))


def _kinds(folder: Path, split: Split, names: _Names) -> list[Path]:
    """The folders of a split; anything but good is for the test alone."""
    kinds = (path for path in folders_in(folder) if path.name != TRUTH_FOLDER)
    return [path for path in kinds if split == "test" or path.name == names.good]


def _samples(kind: Path, split: Split, truth: Path, names: _Names) -> list[Sample]:
    """A good image has no defect, so that a black mask of one says nothing and is left out."""
    if kind.name == names.good:
        return [Sample(image, split, acquisition=name) for image, name in good_images_in(kind)]
    masks = masks_by_image(truth / kind.name)
    return [Sample(image, split, kind.name, masks.get(image.stem, ())) for image in images_in(kind)]
