"""One frame of a station, from its camera to a verdict, and how long each stage takes.

Its trigger is not waited for, and no file of a drop folder is taken out of it.
"""

import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from statistics import median

from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.opening import trusted_bundle
from slsg_edge.bundle.region import with_region
from slsg_edge.contracts import Frame
from slsg_edge.errors import CameraError, DatasetError
from slsg_edge.images import encode_image
from slsg_edge.images.drawing import heat_overlay
from slsg_edge.line.check.answers import StationCheck, told
from slsg_edge.line.records import Inspection
from slsg_edge.line.service.live_options import live_options
from slsg_edge.line.settings.line import StationSettings
from slsg_edge.line.settings.places import DROP
from slsg_edge.line.sources.drop_folder import drop_address
from slsg_edge.line.sources.files import image_frames, images_and_notes
from slsg_edge.line.sources.redaction import redacted
from slsg_edge.line.sources.source import open_source
from slsg_edge.line.watching import inspection_of
from slsg_edge.preprocessing import Preprocessing, Roi, map_on_frame
from slsg_edge.runtime.deadline import within
from slsg_edge.runtime.judged import Judged, open_judged
from slsg_edge.storage import write_atomically

_FRAMES = 5  # that are inspected, for a median
_PATIENCE = 10.0  # seconds for a frame
_OPENED = 60.0  # seconds for a source that can be opened at all


def check_station(station: StationSettings, pictures: Path, stored_ms: float) -> StationCheck:
    """Whatever goes wrong is in the answer. pictures: a folder for its picture."""
    limit = station.limits.latency_ms
    try:
        bundle = _bundle_of(station)
        with open_judged(bundle, station.backend, any_size=station.any_size) as judged:
            late = CameraError(
                f"{redacted(station.source)} gave no frame in {_OPENED:.0f} s.",
                fix="Check the camera.",
            )
            seen = within(_OPENED, lambda: _inspected(station, bundle, judged), late)
            if not seen:
                return _nothing_yet(station, judged)
            picture = _keep(seen[-1], bundle.manifest.preprocessing, pictures, station.name)
            return _answer(station, judged, seen, {"stored": stored_ms}, picture)
    except Exception as error:  # whatever it is, the next station is tried
        what, fix = told(error)
        return StationCheck(station.name, False, what, fix, limit_ms=limit)


def _bundle_of(station: StationSettings) -> Bundle:
    bundle = trusted_bundle(station.bundle)
    return with_region(bundle, Roi(*station.roi)) if station.roi else bundle


def _inspected(station: StationSettings, bundle: Bundle, judged: Judged) -> list[Inspection]:
    """Up to five frames, the first of which warmed up; the last fault where none is whole."""
    seen: list[Inspection] = []
    deadline = time.monotonic() + _PATIENCE
    with closing(_inspections(station, bundle, judged)) as inspections:
        for inspection in inspections:
            whole = inspection.frame.fault is None
            if whole and seen and seen[-1].frame.fault is not None:
                seen.clear()
            seen.append(inspection)
            if (whole and len(seen) >= _FRAMES) or time.monotonic() > deadline:
                break
    return seen


def _inspections(
    station: StationSettings, bundle: Bundle, judged: Judged
) -> Generator[Inspection, None, None]:
    depth = bundle.manifest.preprocessing.depth
    if station.source.startswith(DROP):
        folder = drop_address(station.source).folder
        yield from (inspection_of(frame, judged) for frame in _newest(folder, depth))
        return
    with closing(open_source(station.source, live_options(station), depth)) as source:
        for frame in source:
            yield inspection_of(frame, judged)


def _newest(folder: Path, depth: int | None) -> Iterable[Frame]:
    """The picture that dropped last; none while there is none."""
    try:
        images, _ = images_and_notes(folder)
    except DatasetError:
        return ()
    return image_frames([max(images, key=lambda image: image.lstat().st_mtime)], depth)


def _nothing_yet(station: StationSettings, judged: Judged) -> StationCheck:
    return StationCheck(
        station.name,
        station.source.startswith(DROP),
        "there is no picture yet, so none was inspected",
        backend=judged.choice.backend if judged.choice else "",
        limit_ms=station.limits.latency_ms,
    )


def _cure(pictured: bool) -> str:
    if pictured:
        return "Look at the picture, and at what the source gives."
    return "See that the camera is on and connected, and that `source` is its address."


def _answer(
    station: StationSettings,
    judged: Judged,
    seen: Sequence[Inspection],
    stored: dict[str, float],
    picture: Path | None,
) -> StationCheck:
    record, image = seen[-1].record, seen[-1].frame.image
    ok = record.score is not None
    latency = {**_latency(seen), **stored} if ok else {}
    return StationCheck(
        station.name,
        ok,
        record.verdict if ok else (record.detail or record.reason or record.verdict),
        "" if ok else _cure(image is not None),
        judged.choice.backend if judged.choice else "",
        f"{image.shape[1]}x{image.shape[0]}" if image is not None else "",
        record.verdict,
        record.score,
        record.threshold,
        record.reason,
        {stage: round(ms, 2) for stage, ms in latency.items()},
        station.limits.latency_ms,
        str(picture) if picture else None,
    )


def _latency(seen: Sequence[Inspection]) -> dict[str, float]:
    """The median of each stage, without the frame that warmed up."""
    records = [each.record for each in seen if each.record.score is not None]
    records = records[1:] or records
    stages = {
        stage: median(each.latency_ms[stage] for each in records) for stage in ("detect", "judge")
    }
    ages = [each.age_ms - each.latency_ms["detect"] - each.latency_ms["judge"] for each in records]
    return {"frame": max(0.0, median(ages)), **stages}


def _keep(
    inspection: Inspection, preprocessing: Preprocessing, folder: Path, station: str
) -> Path | None:
    """The frame with its heat and the region that was looked at."""
    image, prediction = inspection.frame.image, inspection.prediction
    if image is None:
        return None
    import cv2

    picture = image.copy()
    if prediction is not None:
        heat = map_on_frame(prediction.anomaly_map, preprocessing, image.shape)
        picture = heat_overlay(image, heat)
    if roi := preprocessing.roi:
        corner = (roi.x + roi.width - 1, roi.y + roi.height - 1)
        cv2.rectangle(picture, (roi.x, roi.y), corner, (255, 255, 0), 2)
    path = folder / f"line-check-{station}.jpg"
    write_atomically(path, encode_image(picture, ".jpg"))
    return path
