"""Images that somebody sorted by hand.

folders   good/ (or ok/, normal/ and the like) and beside it bad/, or a folder per kind of defect,
          with their images in them or in folders of their own; masks as `truth` finds them
plain     images in the folder itself or in good/, all of them good

A folder in good/ is one acquisition: a day, a lot or a set-up.
"""

from collections.abc import Iterator
from pathlib import Path

from slsg_edge.contracts import Sample
from slsg_edge.data.left_out import LeftOut
from slsg_edge.data.names import is_bad, is_good, is_masks, printable, split_of
from slsg_edge.data.readers.files import folders_in, good_images_in, images_below, images_in
from slsg_edge.data.readers.reader import FolderContents
from slsg_edge.data.readers.truth import parted, with_masks
from slsg_edge.data.splits import train_and_test
from slsg_edge.errors import DatasetError

_MASK_OF_GOOD = "with a mask of a good image, which marks nothing"


def is_folders(folder: Path) -> bool:
    return bool(_good_folders(folder)) and any(images for _, images in _kinds(folder))


def is_plain(folder: Path) -> bool:
    return bool(_plain_images(folder))


def read_folders(folder: Path) -> FolderContents:
    """Whatever is not good is for the test, and so is a share of the good images."""
    _refuse_part_of_data_set(folder)
    found = dict(pair for inner in _good_folders(folder) for pair in good_images_in(inner))
    good = parted(list(found))
    train, test = train_and_test(good.images)
    samples, stray = with_masks(
        (
            *(Sample(image, "train", acquisition=found[image]) for image in train),
            *(Sample(image, "test", acquisition=found[image]) for image in test),
            *(sample for name, images in _kinds(folder) for sample in defective(name, images)),
        ),
        folder,
    )
    left_out = (LeftOut(mask, _MASK_OF_GOOD) for mask in good.masks.values())
    return FolderContents(samples, stray, left_out=tuple(left_out))


def read_plain(folder: Path) -> FolderContents:
    _refuse_defects(folder)
    images = _plain_images(folder)
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


def defective(kind: str, paths: list[Path]) -> list[Sample]:
    """Test images of one kind, each with the mask that lies beside it."""
    found = parted(paths)
    return [
        Sample(image, "test", kind, (found.masks[image],) if image in found.masks else ())
        for image in found.images
    ]


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


def _refuse_defects(folder: Path) -> None:
    """By its name: what nobody can see is that all of a plain folder counts as good."""
    name = folder.resolve().name
    if is_bad(name) or is_masks(name):
        what = "masks" if is_masks(name) else "defective parts"
        raise DatasetError(
            f"{printable(folder)} is called like a folder of {what}, and a folder without others "
            "beside its images counts as good.",
            fix="Give the folder above it, which holds the good images too, or call it good.",
        )


def _refuse_part_of_data_set(folder: Path) -> None:
    """A test alone would be split anew, and part of it trained on."""
    place = folder.resolve()
    if split_of(place.name) != "test":
        return
    if any(split_of(path.name) == "train" for path in folders_in(place.parent)):
        raise DatasetError(
            f"{printable(folder)} is the test of the data set {printable(place.parent)}.",
            fix=f"Give {printable(place.parent)}.",
        )
