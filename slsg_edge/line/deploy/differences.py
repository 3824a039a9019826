"""Where a candidate says something else than the bundle that runs: pictures and a page of them."""

import json
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path

import numpy as np

from slsg_edge.bundle.folder import Bundle
from slsg_edge.contracts import Image
from slsg_edge.images import encode_image
from slsg_edge.images.drawing import contact_sheet, heat_overlay
from slsg_edge.line.deploy.apart import Answer
from slsg_edge.line.deploy.state import DIFFERENCES, PAGE
from slsg_edge.line.records import Inspection
from slsg_edge.line.sources.redaction import redacted
from slsg_edge.preprocessing import map_on_frame
from slsg_edge.storage import make_folder, write_atomically

LIST = "differences.jsonl"
MOST = 200  # that are kept, the first ones: a candidate that always differs fills no disk
_WIDTH = 640  # pixels of one picture


@dataclass(frozen=True, slots=True)
class Difference:
    """One frame that the two judge otherwise. picture: the frame, its heat by the one and by the
    other.
    """

    id: str
    captured_at: str
    active: str
    active_score: float | None
    candidate: str
    candidate_score: float | None
    why: str
    picture: str | None


class Differences:
    """Of one candidate, in a folder of their own."""

    def __init__(self, folder: Path, station: str, candidate: str) -> None:
        self.folder = folder / DIFFERENCES / candidate
        self._title = f"{station}: where {candidate} differs"
        self._found: list[Difference] = []

    def add(self, inspection: Inspection, answer: Answer, bundle: Bundle) -> None:
        """StorageError where the disk does not take it. bundle: that runs, for its region."""
        if len(self._found) >= MOST:
            return
        make_folder(self.folder)
        record = inspection.record
        name = f"{record.id}.jpg"
        picture = _sheet(inspection, answer, bundle)
        if picture is not None:
            write_atomically(self.folder / name, picture)
        self._found.append(
            Difference(
                record.id,
                record.captured_at,
                record.verdict,
                record.score,
                answer.verdict,
                answer.score,
                redacted(answer.detail or answer.reason or ""),
                name if picture is not None else None,
            )
        )
        lines = "".join(json.dumps(asdict(each)) + "\n" for each in self._found)
        write_atomically(self.folder / LIST, lines.encode())
        write_atomically(self.folder / PAGE, self._page().encode())

    def _page(self) -> str:
        head = '<!doctype html><meta charset="utf-8">'
        style = "<style>body{font:16px sans-serif;margin:1em}img{max-width:100%}</style>"
        parts = "".join(map(_part, reversed(self._found)))
        title = escape(self._title)
        return f"{head}<title>{title}</title>{style}<h1>{title}</h1>{parts}\n"


def _sheet(inspection: Inspection, answer: Answer, bundle: Bundle) -> bytes | None:
    image, prediction = inspection.frame.image, inspection.prediction
    if image is None:
        return None
    preprocessing = bundle.manifest.preprocessing
    maps = (None if prediction is None else prediction.anomaly_map, answer.anomaly_map)
    heated = [
        image
        if each is None
        else heat_overlay(image, map_on_frame(each, preprocessing, image.shape))
        for each in maps
    ]
    captions = [
        "frame",
        f"active: {inspection.record.verdict}",
        f"candidate: {answer.verdict}",
    ]
    sheet = contact_sheet([_small(each) for each in (image, *heated)], 3, captions)
    return encode_image(sheet, ".jpg")


def _small(image: Image) -> Image:
    import cv2

    height, width = image.shape[:2]
    if width <= _WIDTH:
        return image
    size = _WIDTH, max(1, round(height * _WIDTH / width))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _part(found: Difference) -> str:
    scores = f"{_score(found.active_score)}, {_score(found.candidate_score)}"
    text = (
        f"{found.captured_at}: {found.active}, candidate {found.candidate} ({scores}) {found.why}"
    )
    picture = f'<br><img src="{escape(found.picture)}" loading="lazy">' if found.picture else ""
    return f"<p>{escape(text)}{picture}</p>"


def _score(score: float | None) -> str:
    return "-" if score is None else f"{score:.4g}"
