"""Images that somebody sorted by hand.

folders   good/ (or ok/, normal/ and the like) and beside it bad/, or a folder per kind of defect,
          with their images in them or in folders of their own; masks as `truth` finds them
plain     images in the folder itself or in good/, all of them good

A folder in good/ is one acquisition: a day, a lot or a set-up.
"""

from collections.abc import Iterator
from pathlib import Path

from slsg_edge.contracts import Sample
from slsg_edge.data.names import is_good, printable
from slsg_edge.data.readers.files import folders_in, good_images_in, images_below, images_in
from slsg_edge.data.readers.parts import refuse_part_of_data_set, refuse_what_is_not_good
from slsg_edge.data.readers.reader import FolderContents
from slsg_edge.data.readers.truth import black_ones, defective, parted, with_masks
from slsg_edge.data.splits import train_and_test
from slsg_edge.errors import DatasetError


def is_folders(folder: Path) -> bool:
    return bool(_good_folders(folder)) and any(images for _, images in _kinds(folder))


def is_plain(folder: Path) -> bool:
    return bool(_plain_images(folder))


def read_folders(folder: Path) -> FolderContents:
    """Whatever is not good is for the test, and so is a share of the good images."""
    refuse_part_of_data_set(folder)
    found = dict(pair for inner in _good_folders(folder) for pair in good_images_in(inner))
    good = parted(list(found))
    black = black_ones(good.masks.values())
    train, test = train_and_test(good.images)
    samples, stray = with_masks(
        (
            *(Sample(image, "train", acquisition=found[image]) for image in train),
            *(Sample(image, "test", acquisition=found[image]) for image in test),
            *(sample for name, images in _kinds(folder) for sample in defective(images, name)),
        ),
        folder,
    )
    marking = (mask for mask in good.masks.values() if mask not in black)
    return FolderContents(samples, (*stray, *marking), black_masks=black)


def read_plain(folder: Path) -> FolderContents:
    images = _plain_images(folder)
    refuse_what_is_not_good(folder, list(images))
    masks = parted(list(images)).masks
    if masks:
        raise DatasetError(
            f"{printable(folder)} holds masks beside its images, as "
            f"{printable(next(iter(masks.values())).name)}, so not all of them are good.",
            fix="Put good images into good/, defective ones into bad/ and masks into "
            "ground_truth/bad/.",
        )
    return FolderContents(
        tuple(Sample(image, "train", acquisition=images[image]) for image in images)
    )


def _plain_images(folder: Path) -> dict[Path, str]:
    """Each with its acquisition."""
    good = is_good(folder.resolve().name)
    own = good_images_in(folder) if good else [(image, "") for image in images_in(folder)]
    inside = (pair for inner in _good_folders(folder) for pair in good_images_in(inner))
    return dict((*own, *inside))


def _good_folders(folder: Path) -> list[Path]:
    return [path for path in folders_in(folder) if is_good(path.name)]


def _kinds(folder: Path) -> Iterator[tuple[str, list[Path]]]:
    """The folders beside the good one, and those in them, each with its images."""
    for path in folders_in(folder):
        if not is_good(path.name):
            yield printable(path.name), images_in(path)
            for inner in folders_in(path):
                if not is_good(inner.name):
                    yield printable(inner.name), images_below(inner)
