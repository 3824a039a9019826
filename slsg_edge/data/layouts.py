"""Folders of images to samples, for the layouts that people have; which one shows by itself.

The readers say what each looks like. The first that recognises a folder reads it: a list goes
before all, since somebody wrote it, and the more a layout demands the earlier it is asked.
"""

from collections.abc import Iterator
from pathlib import Path

from slsg_edge.data.acquisitions import acquisitions_of
from slsg_edge.data.dataset import Dataset
from slsg_edge.data.left_out import LeftOut, known_endings, nothing_else
from slsg_edge.data.listing import each_folder_once, list_images
from slsg_edge.data.mask_folders import MASKS_AS_IMAGES, folders_of_masks
from slsg_edge.data.names import is_bad, is_masks, printable
from slsg_edge.data.readers import folders, kolektor, listed, mvtec, visa
from slsg_edge.data.readers.files import all_folders_in, folders_in
from slsg_edge.data.readers.parts import defects_alone, masks_alone
from slsg_edge.data.readers.reader import FolderContents, Reader
from slsg_edge.errors import DatasetError

READERS: tuple[Reader, ...] = (
    Reader("list", listed.is_list, listed.read_list, "there is a list of the images"),
    Reader(
        "mvtec-ad-2", mvtec.is_mvtec_ad_2, mvtec.read_mvtec_ad_2, "there is a folder test_public"
    ),
    Reader(
        "kolektor",
        kolektor.is_kolektor,
        kolektor.read_kolektor,
        "no folder is called good, and a mask lies beside each image, called _GT or _label",
    ),
    Reader("btad", mvtec.is_btad, mvtec.read_mvtec, "train or test has a folder ok or ko"),
    Reader(
        "loco",
        mvtec.is_loco,
        mvtec.read_mvtec,
        "there are folders of splits, validation or several masks for an image among them",
    ),
    Reader("mvtec", mvtec.is_mvtec, mvtec.read_mvtec, "there are folders train and test, or one"),
    Reader("visa", visa.is_visa, visa.read_visa, "there is Data/Images or split_csv/1cls.csv"),
    Reader(
        "folders",
        folders.is_folders,
        folders.read_folders,
        "beside the folder of good images there are folders of others",
    ),
    Reader(
        "plain", folders.is_plain, folders.read_plain, "all images lie together, so all are good"
    ),
)
_NAMED = 6  # data sets that an error lists


def read_dataset(folder: Path) -> Dataset:
    """The data set in `folder`, or the one that a list names.

    DatasetError when there is none, or masks would count as images.
    """
    dataset = read_as_it_is(folder)
    masks = folders_of_masks(dataset)
    if masks:
        raise DatasetError(
            f"{printable(masks[0])} holds masks, and would count as a kind of defect.",
            fix=MASKS_AS_IMAGES,
        )
    return dataset


def read_as_it_is(folder: Path) -> Dataset:
    """As `read_dataset`, for whoever looks for what is wrong with a data set."""
    try:
        _require_data(folder)
        with each_folder_once():
            dataset = _read(folder)
    except OSError as error:
        raise DatasetError(
            f"Cannot read {printable(error.filename or folder)}: {error.strerror}.",
            fix="Check its permissions.",
        ) from error
    if not dataset.samples:
        raise _no_image(folder)
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
        raise DatasetError(
            f"{printable(folder)} is a file.",
            fix="Give the folder that holds the images, or a list as .csv or .jsonl.",
        )
    raise DatasetError(f"There is no folder {printable(folder)}.", fix="Check the path.")


def _read(folder: Path) -> Dataset:
    home = folder if folder.is_dir() else folder.parent
    for reader in READERS:
        if reader.recognises(folder):
            read = reader.read(folder)
            samples = acquisitions_of(read.samples)
            left_out = () if reader.layout == "list" else tuple(_left_out(home, reader, read))
            return Dataset(
                home,
                reader.layout,
                samples,
                read.stray_masks,
                read.unlabelled,
                left_out,
                reader.why,
            )
    raise _nothing_here(folder)


def _left_out(home: Path, reader: Reader, read: FolderContents) -> Iterator[LeftOut]:
    """Whatever lies in `home`, looks like an image and was read as none."""
    known = {path for sample in read.samples for path in (sample.image, *sample.masks)}
    known.update(read.stray_masks, read.unlabelled, read.black_masks)
    found = list_images(home, lambda folder: not is_masks(folder.name))
    where = f"in places where the layout '{reader.layout}' has none"
    yield from found.left_out
    yield from (LeftOut(path, where) for path in found.images if path not in known)


def _nothing_here(folder: Path) -> DatasetError:
    """Many data sets side by side are as they come from an archive: say which to give."""
    place = folder.resolve()
    bad = [path for path in (place, *folders_in(folder)) if is_bad(path.name)]
    inside = [path for path in folders_in(folder) if not is_bad(path.name) and _has_data(path)]
    if is_masks(place.name):
        return masks_alone(folder)
    if bad and (bad[0] == place or not inside) and list_images(bad[0]).images:
        return defects_alone(folder, bad[0])
    if not inside:
        return _no_image(folder)
    good = [printable(path.name) for path in inside]
    names = ", ".join(good[:_NAMED]) + (" and more" if len(good) > _NAMED else "")
    return DatasetError(
        f"{printable(folder)} holds no image itself; there are some in {names}.",
        fix=f"Give one of them, as in {printable(folder)}/{good[0]}; or call the folder of good "
        "images good, and all others are kinds of defect.",
    )


def _has_data(folder: Path) -> bool:
    return any(reader.recognises(folder) for reader in READERS)


def _no_image(folder: Path) -> DatasetError:
    """Says what there is instead: files of another kind, masks alone, images that lie deeper."""
    found = list_images(folder) if folder.is_dir() else None
    more = nothing_else(found.left_out) if found else ""
    if found and found.images:
        more += f" There are {len(found.images)} deeper, as {printable(found.images[0])}."
    elif folder.is_dir() and (masks := [p for p in all_folders_in(folder) if is_masks(p.name)]):
        more += f" {printable(masks[0].name)} is for masks."
    return DatasetError(
        f"{printable(folder)} holds no image.{more}",
        fix=f"Put images in it, or in train/good below it. Known are {known_endings()}.",
    )
