"""A contact sheet of a data set: some images of each kind, then what is odd or there twice."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from slsg_edge.contracts import Image, Sample
from slsg_edge.data.masks import mask_of
from slsg_edge.data.survey.finding import shown
from slsg_edge.data.survey.survey import Group, Survey
from slsg_edge.errors import DatasetError
from slsg_edge.images import read_image
from slsg_edge.images.drawing import SHEET_COLOUR, contact_sheet, outline

COLUMNS = 8
SIDE = 160  # pixels of a cell
_ROWS = 3  # of odd images, and of pairs
_LONGEST = 26  # characters of a caption that can still be read

Cell = tuple[Path, Sample | None, str]


def sheet_of(survey: Survey) -> Image:
    """Defects are outlined. An image that cannot be read is an empty cell that says so."""
    rows = list(_rows(survey))
    cells = [cell for row in rows for cell in (*row, *[None] * (-len(row) % COLUMNS))]
    pictures = [_picture(cell) if cell else _paper() for cell in cells]
    captions = [_short(cell[2]) if cell else "" for cell in cells]
    return contact_sheet(pictures, COLUMNS, captions)


def _rows(survey: Survey) -> Iterator[Sequence[Cell]]:
    for group in survey.groups:
        yield _some(survey, group)
    folder = survey.dataset.folder
    odd = [(one.facts.path, None, f"odd: {shown(one.facts.path, folder)}") for one in survey.odd]
    yield odd[: _ROWS * COLUMNS]
    yield [
        (facts.path, None, f"twice: {shown(facts.path, folder)}")
        for pair in survey.pairs[: _ROWS * COLUMNS // 2]
        for facts in (pair.first, pair.second)
    ]


def _some(survey: Survey, group: Group) -> list[Cell]:
    """A row of the group, from all of its length."""
    samples = [
        one for one in survey.dataset.samples if (one.split, one.kind) == (group.split, group.kind)
    ]
    chosen = np.unique(np.linspace(0, len(samples) - 1, COLUMNS).round().astype(int))
    return [
        (samples[i].image, samples[i], f"{group.split} {group.kind}: {samples[i].image.name}")
        for i in chosen
    ]


def _picture(cell: Cell) -> Image:
    path, sample, _ = cell
    try:
        image = read_image(path)
    except DatasetError:
        return _paper()
    return _fitted(_outlined(image, sample))


def _outlined(image: Image, sample: Sample | None) -> Image:
    """Without the outline where the mask cannot be used; a finding says so."""
    if sample is None or not sample.masks:
        return image
    try:
        return outline(image, mask_of(sample, image.shape))
    except DatasetError:
        return image


def _fitted(image: Image) -> Image:
    """In the middle of a cell, its proportions kept."""
    import cv2

    height, width = image.shape[:2]
    scale = SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    cell = _paper()
    top, left = (SIDE - size[1]) // 2, (SIDE - size[0]) // 2
    cell[top : top + size[1], left : left + size[0]] = small
    return cell


def _paper() -> Image:
    return np.full((SIDE, SIDE, 3), SHEET_COLOUR, np.uint8)


def _short(text: str) -> str:
    """OpenCV writes ASCII alone, and shrinks what is too long until nobody can read it."""
    plain = text.encode("ascii", "replace").decode()
    return plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 12]}..{plain[-10:]}"
