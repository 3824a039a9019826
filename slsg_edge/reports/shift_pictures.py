"""The kept picture of a verdict, small enough for a page."""

from pathlib import Path

from slsg_edge.errors import SlsgError
from slsg_edge.images import HEAT_SUFFIX, read_image
from slsg_edge.line.records import Record
from slsg_edge.reports.layers import picture_of


def picture_for_record(record: Record, folder: Path) -> str | None:
    """As a data URI, with its heat where that was kept; None where there is no picture, or none
    any more. What is not in the folder of the line is not read.
    """
    if not record.image:
        return None
    kept = folder / record.image
    for path in (kept.with_name(kept.stem + HEAT_SUFFIX), kept):
        try:
            if path.resolve().is_relative_to(folder.resolve()) and path.is_file():
                return picture_of(read_image(path)).image
        except (SlsgError, OSError, ValueError):
            continue
    return None
