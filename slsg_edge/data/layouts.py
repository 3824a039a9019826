"""Folders of images to samples, for the layouts that people have; which one shows by itself.

The readers say what each looks like. The first that recognises a folder reads it: a list goes
before all, since somebody wrote it, and the more a layout demands the earlier it is asked.
"""

from pathlib import Path

from slsg_edge.data.acquisitions import acquisitions_of
from slsg_edge.data.dataset import Dataset
from slsg_edge.data.readers import folders, kolektor, listed, mvtec, visa
from slsg_edge.data.readers.files import folders_in
from slsg_edge.data.readers.reader import Reader
from slsg_edge.errors import DatasetError
from slsg_edge.images import SUFFIXES

READERS: tuple[Reader, ...] = (
    Reader("list", listed.is_list, listed.read_list),
    Reader("mvtec-ad-2", mvtec.is_mvtec_ad_2, mvtec.read_mvtec_ad_2),
    Reader("kolektor", kolektor.is_kolektor, kolektor.read_kolektor),
    Reader("btad", mvtec.is_btad, mvtec.read_btad),
    Reader("loco", mvtec.is_loco, mvtec.read_mvtec),
    Reader("mvtec", mvtec.is_mvtec, mvtec.read_mvtec),
    Reader("visa", visa.is_visa, visa.read_visa),
    Reader("folders", folders.is_folders, folders.read_folders),
    Reader("plain", folders.is_plain, folders.read_plain),
)
_NAMED = 6  # data sets that an error lists


def read_dataset(folder: Path) -> Dataset:
    """The data set in `folder`, or the one that a list names; DatasetError when there is none."""
    try:
        _require_data(folder)
        dataset = _read(folder)
    except OSError as error:
        raise DatasetError(
            f"Cannot read {error.filename or folder}: {error.strerror}.",
            fix="Check its permissions.",
        ) from error
    if not dataset.samples:
        raise DatasetError(f"{folder} holds no image.", fix=_where_images_go(folder))
    return dataset


def good_images(folder: Path) -> list[Path]:
    """What a threshold may be found from: `validation/good` of a data set, or a plain folder."""
    dataset = read_dataset(folder)
    if dataset.layout == "plain":
        return [sample.image for sample in dataset.samples]
    held_out = [sample.image for sample in dataset.of("validation", good=True)]
    if not held_out:
        raise DatasetError(
            f"{folder} has no validation/good, the good images kept out of training.",
            fix="Give a folder of good images that were not trained on.",
        )
    return held_out


def _require_data(folder: Path) -> None:
    if folder.is_dir() or listed.is_list(folder):
        return
    if folder.exists():
        raise DatasetError(f"{folder} is a file.", fix="Give the folder that holds the images.")
    raise DatasetError(f"There is no folder {folder}.", fix="Check the path.")


def _read(folder: Path) -> Dataset:
    home = folder if folder.is_dir() else folder.parent
    for reader in READERS:
        if reader.recognises(folder):
            read = reader.read(folder)
            samples = acquisitions_of(read.samples)
            return Dataset(home, reader.layout, samples, read.stray_masks, read.unlabelled)
    raise _nothing_here(folder)


def _nothing_here(folder: Path) -> DatasetError:
    """Many data sets side by side are as they come from an archive: say which to give."""
    inside = [
        path.name
        for path in folders_in(folder)
        if any(reader.recognises(path) for reader in READERS)
    ]
    if not inside:
        return DatasetError(f"{folder} holds no image.", fix=_where_images_go(folder))
    names = ", ".join(inside[:_NAMED]) + (" and more" if len(inside) > _NAMED else "")
    return DatasetError(
        f"{folder} holds no image itself; there are some in {names}.",
        fix=f"Give one of them, as in {folder / inside[0]}.",
    )


def _where_images_go(folder: Path) -> str:
    known = ", ".join(sorted(SUFFIXES))
    return f"Put images in it, or in train/good below it. Known are {known}."
