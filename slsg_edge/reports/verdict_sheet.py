"""Some images of a test with their heat and the verdict written under each, as one picture."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from slsg_edge.bundle.folder import Bundle
from slsg_edge.contracts import GOOD, AnomalyMap, Detector, Image
from slsg_edge.errors import DatasetError
from slsg_edge.evaluation.evaluate import Evaluation, Row
from slsg_edge.images import read_image
from slsg_edge.images.drawing import Bgr, heat_overlay
from slsg_edge.metrics.axis import score_text
from slsg_edge.preprocessing import Preprocessing, map_on_frame, resize
from slsg_edge.runtime.detector import BackendChoice, open_choice
from slsg_edge.storage import write_atomically

COLUMNS, ROWS = 3, 2
WIDTH, BAR, GAP = 400, 34, 6  # pixels of a pair, of the line under it, between two
JPEG_QUALITY = 80
INK: Bgr = (255, 255, 255)
MISTAKES = {(True, "anomalous"): ", a false alarm", (False, "good"): ", a miss"}
COLOURS: dict[str, Bgr] = {
    "good": (178, 114, 0),
    "anomalous": (0, 79, 184),
    "undecided": (115, 107, 102),
}


def write_verdict_sheet(
    path: Path, bundle: Bundle, evaluation: Evaluation, choice: BackendChoice
) -> None:
    """As the kind of picture that the name says."""
    with closing(open_choice(bundle, choice)) as detector:
        sheet = verdict_sheet(bundle, evaluation, detector)
    write_atomically(path, _encoded(sheet, path.suffix.lower()))


def _encoded(sheet: Image, suffix: str) -> bytes:
    """JPEG small enough for a mail or a README."""
    import cv2

    quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if suffix != ".png" else []
    done, content = cv2.imencode(suffix, sheet, quality)
    if not done:
        raise ValueError(f"OpenCV cannot encode {sheet.shape} as {suffix}")
    return content.tobytes()


def verdict_sheet(bundle: Bundle, evaluation: Evaluation, detector: Detector) -> Image:
    """Photo beside heat map; the verdict, the score and the threshold are under both.

    The worst miss and false alarm come first, where there are any, then finds of each kind and good
    parts. DatasetError without an image that was inspected.
    """
    rows = chosen_rows(evaluation, COLUMNS * ROWS)
    if not rows:
        raise DatasetError(
            "No test image was inspected, so there is none to show.",
            fix="See in the notes of `slsg-edge eval` why, and put that right.",
        )
    spec, threshold = bundle.manifest.preprocessing, evaluation.threshold
    tiles = [_tile(row, detector, spec, threshold) for row in rows]
    height = max(tile.shape[0] for tile in tiles)
    columns = min(COLUMNS, len(tiles))
    down, across = -(-len(tiles) // columns), WIDTH + GAP
    sheet = np.full((down * (height + GAP) + GAP, columns * across + GAP, 3), 255, np.uint8)
    for place, tile in enumerate(tiles):
        top, left = GAP + place // columns * (height + GAP), GAP + place % columns * across
        sheet[top : top + tile.shape[0], left : left + WIDTH] = tile
    return sheet


def chosen_rows(evaluation: Evaluation, most: int) -> list[Row]:
    """In the order that the sheet has them, a defect of each kind before a second one of any."""
    rows = [row for row in evaluation.rows if row.score is not None and row.outcome is not None]
    bad = sorted((row for row in rows if row.kind != GOOD), key=_score)
    good = sorted((row for row in rows if row.kind == GOOD), key=_score)
    missed = [row for row in bad if row.outcome == "good"][:1]
    alarms = [row for row in good if row.outcome == "anomalous"][-1:]
    found = _by_turns([row for row in reversed(bad) if row.outcome == "anomalous"])
    passed = [row for row in good if row.outcome == "good"]
    middle = passed[len(passed) // 2 : len(passed) // 2 + 1]
    room = most - len(missed) - len(alarms) - len(middle)
    return [*missed, *alarms, *middle, *found[: max(0, room)]][:most]


def _score(row: Row) -> float:
    return row.score or 0.0


def _by_turns(rows: Sequence[Row]) -> list[Row]:
    """One of each kind, then a second of each, and so on."""
    seen: dict[str, int] = {}
    turns: list[tuple[int, int, Row]] = []
    for row in rows:
        seen[row.kind] = seen.get(row.kind, -1) + 1
        turns.append((seen[row.kind], len(turns), row))
    return [row for _, _, row in sorted(turns, key=lambda turn: turn[:2])]


def _tile(row: Row, detector: Detector, spec: Preprocessing, threshold: float | None) -> Image:
    image = read_image(row.sample.image, spec.depth)
    heat: AnomalyMap = map_on_frame(detector.detect(image).anomaly_map, spec, image.shape)
    side = (WIDTH - 2) // 2
    height = max(1, round(image.shape[0] * side / image.shape[1]))
    photo, hot = (resize(each, height, side) for each in (image, heat_overlay(image, heat, 0.75)))
    gap = np.full((height, WIDTH - 2 * side, 3), 255, np.uint8)
    pair = np.hstack([photo, gap, hot])
    return np.vstack([pair, _line(row, threshold)])


def _line(row: Row, threshold: float | None) -> Image:
    """White on the colour of the verdict."""
    import cv2

    bar = np.full((BAR, WIDTH, 3), COLOURS[row.outcome or "undecided"], np.uint8)
    limit = "" if threshold is None else f", threshold {score_text(threshold)}"
    mistake = MISTAKES.get((row.kind == GOOD, row.outcome or ""), "")
    text = f"{row.outcome}{mistake}: score {score_text(_score(row))}{limit}"
    font, size = cv2.FONT_HERSHEY_SIMPLEX, 0.56
    (width, _), _ = cv2.getTextSize(text, font, size, 1)
    size *= min(1.0, (WIDTH - 16) / width)
    cv2.putText(bar, text, (8, BAR - 11), font, size, INK, 1, cv2.LINE_AA)
    return bar
