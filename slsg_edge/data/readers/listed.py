"""A list of images as CSV with a header or as JSON Lines, for files that lie anywhere in a folder.

    image    path from the list's folder, which it must not leave
    label    good, normal, ok or 0; anything else is a defect. No such column: all are good.
             An empty one: nobody knows, and the image is in no split
    kind     of the defect; default: the label
    split    train, validation or test; default: train when good, else test
    mask     path of a mask; several are parted by `;` or, in JSON, a list
    acquisition     the day, lot or set-up that the image was taken in; default: not known

A file `dataset.csv` or `dataset.jsonl` goes before whatever else a folder looks like.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from slsg_edge.contracts import GOOD, Sample, Split
from slsg_edge.data.readers.reader import FolderContents
from slsg_edge.data.readers.rows import Row, rows_of

LIST_FILES = ("dataset.csv", "dataset.jsonl")
LIST_SUFFIXES = (".csv", ".jsonl")

_GOOD_LABELS = frozenset({"good", "normal", "ok", "0"})
_DEFECT_NUMBERS = frozenset({"1", "-1"})
_SPLITS: Mapping[str, Split] = {
    "train": "train",
    "validation": "validation",
    "val": "validation",
    "valid": "validation",
    "test": "test",
}


def is_list(path: Path) -> bool:
    return _list_file(path) is not None


def read_list(path: Path) -> FolderContents:
    file = _list_file(path) or path
    return contents_of_rows(rows_of(file), file.parent)


def contents_of_rows(rows: list[Row], folder: Path) -> FolderContents:
    """The samples that these rows name; DatasetError for one that makes no sense."""
    labelled = [row for row in rows if row.values.get("label") != ""]
    samples = [_sample(row, folder) for row in labelled]
    unlabelled = (row for row in rows if row.values.get("label") == "")
    return FolderContents(
        tuple(sorted(samples, key=_order)),
        unlabelled=tuple(_inside(row, row.values.get("image", ""), folder) for row in unlabelled),
    )


def _list_file(path: Path) -> Path | None:
    if path.suffix.lower() in LIST_SUFFIXES and path.is_file():
        return path
    return next((path / name for name in LIST_FILES if (path / name).is_file()), None)


def _order(sample: Sample) -> tuple[int, bool, str, Path]:
    return list(_SPLITS.values()).index(sample.split), not sample.good, sample.kind, sample.image


def _sample(row: Row, folder: Path) -> Sample:
    kind = _kind(row)
    masks = [name for name in row.values.get("mask", "").split(";") if name.strip()]
    return Sample(
        _inside(row, row.values.get("image", ""), folder),
        _split(row, kind),
        kind,
        tuple(_inside(row, name, folder) for name in masks) if kind != GOOD else (),
        row.values.get("acquisition", ""),
    )


def _kind(row: Row) -> str:
    label = row.values.get("label", GOOD)
    if label.lower() in _GOOD_LABELS:
        return GOOD
    return row.values.get("kind") or ("defect" if label in _DEFECT_NUMBERS else label)


def _split(row: Row, kind: str) -> Split:
    name = row.values.get("split", "").lower()
    if not name:
        return "train" if kind == GOOD else "test"
    if name not in _SPLITS:
        raise row.error(f"the split is '{name}'", "Give train, validation or test.")
    return _SPLITS[name]


def _inside(row: Row, name: str, folder: Path) -> Path:
    """The path of `name`, which a list of foreign origin must not lead out of its folder."""
    name = name.strip().replace("\\", "/")
    if not name or "\0" in name:
        raise row.error("it names no image", "Give its path in the column 'image'.")
    path = Path(os.path.normpath(folder / name))
    if not path.is_relative_to(os.path.normpath(folder)):
        raise row.error(
            f"{name} lies outside {folder}", "Give paths inside the folder of the list."
        )
    return path
