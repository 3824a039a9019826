"""VisA as published: one folder per object, and beside them the splits.

    split_csv/1cls.csv            object,split,label,image,mask, paths from the folder above
    candle/Data/Images/Normal     candle/Data/Images/Anomaly, candle/Data/Masks/Anomaly

`1cls.csv` is the split without defects in training. Without it the good images are parted by
content, as in folders that somebody sorted by hand.
"""

from pathlib import Path

from slsg_edge.contracts import Sample
from slsg_edge.data.names import is_good
from slsg_edge.data.readers.files import (
    folders_in,
    images_below,
    images_in,
    masks_by_image,
    strays,
)
from slsg_edge.data.readers.listed import contents_of_rows
from slsg_edge.data.readers.reader import FolderContents
from slsg_edge.data.readers.rows import Row, rows_of
from slsg_edge.data.splits import train_and_test
from slsg_edge.errors import DatasetError

KIND = "anomaly"
SPLIT = "split_csv/1cls.csv"

_IMAGES, _MASKS = "Data/Images", "Data/Masks/Anomaly"


def is_visa(folder: Path) -> bool:
    return (folder / _IMAGES).is_dir() or (folder / SPLIT).is_file()


def read_visa(folder: Path) -> FolderContents:
    """An object with its split, which lies beside it; or the whole when it has one object only."""
    if not (folder / _IMAGES).is_dir():
        return _of_object(folder / _only_object(folder), folder)
    root = folder.resolve().parent
    return _of_object(folder, root) if (root / SPLIT).is_file() else _unsplit(folder)


def _of_object(folder: Path, root: Path) -> FolderContents:
    name = folder.resolve().name
    rows = [row for row in rows_of(root / SPLIT) if row.values.get("object") == name]
    within = [_from_object(row, name) for row in rows]
    if not within:
        return _unsplit(folder)
    found = contents_of_rows(within, folder)
    return FolderContents(found.samples, strays(images_in(folder / _MASKS), found.samples))


def _from_object(row: Row, name: str) -> Row:
    """The row with paths from the folder of its object."""
    values = dict(row.values)
    for column in ("image", "mask"):
        path = values.get(column, "")
        values[column] = path[len(name) + 1 :] if path.startswith(f"{name}/") else path
    return Row(row.file, row.line, values)


def _only_object(folder: Path) -> str:
    """DatasetError that names the objects when there are several."""
    rows = rows_of(folder / SPLIT)
    objects = sorted({row.values.get("object", "") for row in rows} - {""})
    present = [name for name in objects if (folder / name / _IMAGES).is_dir()]
    if len(present) != 1:
        names = ", ".join(present or objects) or "none"
        raise DatasetError(
            f"{folder} is VisA with these objects: {names}.", fix="Give the folder of one of them."
        )
    return present[0]


def _unsplit(folder: Path) -> FolderContents:
    masks = masks_by_image(folder / _MASKS)
    inside = folders_in(folder / _IMAGES)
    good = [image for path in inside if is_good(path.name) for image in images_below(path)]
    bad = [image for path in inside if not is_good(path.name) for image in images_below(path)]
    train, test = train_and_test(good)
    samples = (
        *(Sample(image, "train") for image in train),
        *(Sample(image, "test") for image in test),
        *(Sample(image, "test", KIND, masks.get(image.stem, ())) for image in bad),
    )
    return FolderContents(samples, strays(images_in(folder / _MASKS), samples))
