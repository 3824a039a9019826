"""What changes between two files of scores of one archive, as under a new bundle."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from slsg_edge.archive.pictures import pictures_of
from slsg_edge.archive.rows import schema
from slsg_edge.archive.units import Unit, open_archive
from slsg_edge.contracts import Image
from slsg_edge.errors import DatasetError
from slsg_edge.images.drawing import contact_sheet

if TYPE_CHECKING:
    from pyarrow import Table

_KEY = ["file", "member"]
_TOLD = ["verdict", "score", "reason"]
_SIDE = 220  # pixels of a picture on a sheet
_COLUMNS = 4
MOST_PICTURES = 24


@dataclass(frozen=True, slots=True)
class ChangedImage:
    file: str
    member: str
    before: str
    after: str
    score_before: float | None
    score_after: float | None

    @property
    def name(self) -> str:
        return f"{self.file}/{self.member}" if self.member else self.file


@dataclass(frozen=True, slots=True)
class ScoreComparison:
    """both: images in both files. verdicts: how many have each pair of verdicts, before and after.
    changed: those whose verdict is another, the largest change of score first. gone and new: in
    one file only.
    """

    both: int
    verdicts: dict[tuple[str, str], int]
    changed: Sequence[ChangedImage]
    gone: int
    new: int


def compare_scores(before: Path, after: Path) -> ScoreComparison:
    """DatasetError where one is no file of `slsg-edge score`, or they share no image."""
    old, new = _table(before), _table(after)
    joined = old.join(new, _KEY, right_suffix="_after", join_type="inner")
    if not joined.num_rows:
        raise DatasetError(
            f"{before} and {after} have no image in common.",
            fix="Score the same archive with both bundles.",
        )
    pairs = joined.group_by(["verdict", "verdict_after"]).aggregate([("file", "count")])
    verdicts = {
        (row["verdict"], row["verdict_after"]): row["file_count"] for row in pairs.to_pylist()
    }
    both = joined.num_rows
    return ScoreComparison(
        both, verdicts, _changed(joined), old.num_rows - both, new.num_rows - both
    )


def sheet_of(changed: Sequence[ChangedImage], archive: str) -> Image:
    """The pictures of the first 24, each with its verdicts; DatasetError where none is there."""
    files, root = open_archive(archive)
    pictures, captions = [], []
    for one in changed[:MOST_PICTURES]:
        path = root if PurePosixPath(root).name == one.file else f"{root.rstrip('/')}/{one.file}"
        unit = Unit("", (path,), tar=bool(one.member))
        found = (p for p in pictures_of(files, root, unit, None) if p.member == one.member)
        picture = next(found, None)
        if picture is not None and picture.image is not None:
            pictures.append(_small(picture.image))
            captions.append(f"{_initials(one.before)}>{_initials(one.after)} {one.name}"[-30:])
    if not pictures:
        raise DatasetError(
            f"None of the images that changed lies in {archive}.",
            fix="Give the archive that was scored.",
        )
    return contact_sheet(pictures, min(_COLUMNS, len(pictures)), captions)


def _table(path: Path) -> "Table":
    wanted = schema()
    import pyarrow
    import pyarrow.parquet

    try:
        return pyarrow.parquet.read_table(path, columns=[*_KEY, *_TOLD], schema=wanted)
    except (OSError, pyarrow.ArrowException) as error:
        raise DatasetError(
            f"{path} is no file of scores: {error}", fix="Make one: slsg-edge score BUNDLE ARCHIVE"
        ) from error


def _changed(joined: "Table") -> list[ChangedImage]:
    import pyarrow.compute as compute

    changed = joined.filter(compute.not_equal(joined["verdict"], joined["verdict_after"]))
    rows = [_changed_image(row) for row in changed.to_pylist()]
    return sorted(rows, key=lambda one: (-_difference(one), one.name))


def _changed_image(row: dict[str, Any]) -> ChangedImage:
    return ChangedImage(
        row["file"],
        row["member"],
        row["verdict"],
        row["verdict_after"],
        row["score"],
        row["score_after"],
    )


def _difference(one: ChangedImage) -> float:
    """Of the scores; an image that one of them did not inspect comes first."""
    if one.score_before is None or one.score_after is None:
        return 1.0
    return abs(one.score_after - one.score_before)


def _small(image: Image) -> Image:
    import cv2
    import numpy as np

    return np.asarray(cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def _initials(verdict: str) -> str:
    return {"good": "OK", "anomalous": "NG"}.get(verdict, "?")
