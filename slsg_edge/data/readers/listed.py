"""A list of images as CSV with a header or as JSON Lines, for files that lie anywhere in a folder.

    image    path from the list's folder, or an absolute one: `named_paths` says which may be named
    label    good, normal, ok, 0, false and the like; anything else is a defect. No such column: the
             kind says it, and without that column all are good. An empty one, or NaN: nobody knows,
             and the image is in no split
    kind     of the defect; default: the label
    split    train, validation or test; default: train when good, else test
    mask     path of a mask; several are parted by `;` or, in JSON, a list
    acquisition     the day, lot or set-up that the image was taken in; default: not known

A file `dataset.csv` or `dataset.jsonl` goes before whatever else a folder looks like.
"""

from pathlib import Path
from typing import Any

from slsg_edge.contracts import GOOD, Sample, Split
from slsg_edge.data.names import printable, split_of
from slsg_edge.data.readers.files import in_order
from slsg_edge.data.readers.labels import kind_of_label, require_meaning, said
from slsg_edge.data.readers.named_paths import path_of
from slsg_edge.data.readers.reader import FolderContents
from slsg_edge.data.readers.rows import Row, rows_of

LIST_FILES = ("dataset.csv", "dataset.jsonl")
LIST_SUFFIXES = (".csv", ".jsonl")

_SPLITS: tuple[Split, ...] = ("train", "validation", "test")


def is_list(path: Path) -> bool:
    return _list_file(path) is not None


def read_list(path: Path) -> FolderContents:
    file = _list_file(path) or path
    return contents_of_rows(rows_of(file), file.parent)


def contents_of_rows(rows: list[Row], folder: Path) -> FolderContents:
    """The samples that these rows name; DatasetError for one that makes no sense."""
    labels = [_label(row) for row in rows]
    samples, unlabelled = [], []
    for row, label in zip(rows, labels, strict=True):
        image = path_of(row, row.values.get("image", ""), folder)
        kind = GOOD if label is None else kind_of_label(label)
        if kind is None:
            unlabelled.append(image)
        else:
            samples.append(_sample(row, image, kind, folder))
    if not any(said(row.values.get("kind", "")) for row in rows if "label" in row.values):
        require_meaning((label for label in labels if label is not None), str(rows[0].file))
    return FolderContents(tuple(sorted(samples, key=_order)), unlabelled=tuple(unlabelled))


def _list_file(path: Path) -> Path | None:
    if path.suffix.lower() in LIST_SUFFIXES and path.is_file():
        return path
    return next((path / name for name in LIST_FILES if (path / name).is_file()), None)


def _order(sample: Sample) -> tuple[int, tuple[Any, ...]]:
    return _SPLITS.index(sample.split), in_order(sample)


def _label(row: Row) -> str | None:
    """None where the list has neither labels nor kinds, and so all images are good."""
    return row.values.get("label", row.values.get("kind"))


def _sample(row: Row, image: Path, label: str, folder: Path) -> Sample:
    good = label == GOOD
    kind = GOOD if good else _kind(row) or label
    masks = [name for name in row.values.get("mask", "").split(";") if said(name)]
    return Sample(
        image,
        _split(row, good),
        kind,
        () if good else tuple(path_of(row, name, folder) for name in masks),
        printable(said(row.values.get("acquisition", ""))),
    )


def _kind(row: Row) -> str:
    """Of a defective image: `good` is no kind of defect."""
    kind = printable(said(row.values.get("kind", "")))
    return "" if kind_of_label(kind) == GOOD else kind


def _split(row: Row, good: bool) -> Split:
    name = said(row.values.get("split", ""))
    if not name:
        return "train" if good else "test"
    split = split_of(name)
    if split is None:
        raise row.error(
            f"the split is '{printable(name.lower())}'", "Give train, validation or test."
        )
    return split
