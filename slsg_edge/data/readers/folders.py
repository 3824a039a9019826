"""Images that somebody sorted by hand.

folders   good/ (or ok/, normal/) and beside it bad/, or a folder per kind of defect, with
          their images in them or in folders of their own; ground_truth/<kind> if there is one
plain     images in the folder itself or in good/, all of them good

A folder in good/ is one acquisition: a day, a lot or a set-up.
"""

from pathlib import Path

from slsg_edge.contracts import Sample
from slsg_edge.data.readers.files import (
    TRUTH_FOLDER,
    folders_in,
    good_images_in,
    images_in,
    masks_by_image,
    strays,
    truth_files,
)
from slsg_edge.data.readers.reader import FolderContents
from slsg_edge.data.splits import train_and_test

GOOD_NAMES = ("good", "ok", "normal")


def is_folders(folder: Path) -> bool:
    return bool(_good_folders(folder)) and any(images_in(kind) for kind in _kinds(folder))


def is_plain(folder: Path) -> bool:
    return bool(_plain_images(folder))


def read_folders(folder: Path) -> FolderContents:
    """Whatever is not good is for the test, and so is a share of the good images."""
    good = dict(pair for inner in _good_folders(folder) for pair in good_images_in(inner))
    train, test = train_and_test(list(good))
    samples = (
        *(Sample(image, "train", acquisition=good[image]) for image in train),
        *(Sample(image, "test", acquisition=good[image]) for image in test),
        *(sample for kind in _kinds(folder) for sample in _defective(kind, folder / TRUTH_FOLDER)),
    )
    return FolderContents(samples, strays(truth_files(folder / TRUTH_FOLDER), samples))


def read_plain(folder: Path) -> FolderContents:
    images = _plain_images(folder)
    return FolderContents(
        tuple(Sample(image, "train", acquisition=images[image]) for image in images)
    )


def _plain_images(folder: Path) -> dict[Path, str]:
    """Each with its acquisition."""
    good = folder.resolve().name.lower() in GOOD_NAMES
    own = good_images_in(folder) if good else [(image, "") for image in images_in(folder)]
    inside = (pair for inner in _good_folders(folder) for pair in good_images_in(inner))
    return dict((*own, *inside))


def _good_folders(folder: Path) -> list[Path]:
    return [path for path in folders_in(folder) if path.name.lower() in GOOD_NAMES]


def _kinds(folder: Path) -> list[Path]:
    """The folders beside the good one, and those in them."""
    others = [
        path
        for path in folders_in(folder)
        if path.name.lower() not in GOOD_NAMES and path.name != TRUTH_FOLDER
    ]
    return [kind for path in others for kind in (path, *folders_in(path))]


def _defective(kind: Path, truth: Path) -> list[Sample]:
    masks = masks_by_image(truth / kind.name)
    return [
        Sample(image, "test", kind.name, masks.get(image.stem, ())) for image in images_in(kind)
    ]
