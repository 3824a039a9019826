"""The sample line as a film: modules on an indexed belt under a strobe.

An indexed belt stands still while a module is under the camera and then steps on within one
frame time; the lamp flashes only while it stands. So every frame shows one whole module in its
place, as the training images do, with flicker and noise of its own, and none shows a module that
moves. MP4 compresses with loss, which the training images have not seen.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import zip_longest
from pathlib import Path

import cv2
import numpy as np

from slsg_edge.contracts import GOOD, Image
from slsg_edge.demo.sample.dataset import FILM_NUMBER, check_seed, check_size
from slsg_edge.demo.sample.product import Exposure
from slsg_edge.demo.sample.rendering import expose
from slsg_edge.demo.sample.specimen import DEFECTS, LOGICAL, STRUCTURAL, paint_specimen, specimen
from slsg_edge.errors import ConfigError, StorageError
from slsg_edge.images import quiet_ffmpeg
from slsg_edge.storage import temporary_folder, write_together

FILM_CODEC = "mp4v"  # the one MP4 encoder that every OpenCV wheel brings
FILM_FLICKER = 0.01  # of the light, from frame to frame
DEFECT_PERIOD = 3  # every third module is defective


@dataclass(frozen=True, slots=True)
class FilmSettings:
    """How many modules pass, how many frames each stands, frames per second, pixels."""

    modules: int = 24
    frames_each: int = 5
    fps: int = 10
    size: int = 320

    def __post_init__(self) -> None:
        if min(self.modules, self.frames_each, self.fps) < 1:
            raise ConfigError(
                f"{self} is no film.", fix="Give at least one module, frame and frame per second."
            )
        check_size(self.size)
        if self.size % 2:
            raise ConfigError(
                f"A film cannot be {self.size} pixels wide.", fix="Give an even --size."
            )

    @property
    def total(self) -> int:
        """Frames."""
        return self.modules * self.frames_each


@dataclass(frozen=True, slots=True)
class FilmedModule:
    """One module of a film: its first and last frame, both included, and what is wrong."""

    first: int
    last: int
    kind: str
    defect: str | None


def write_film(
    path: Path, settings: FilmSettings, seed: int, progress: Callable[[], None] | None = None
) -> tuple[FilmedModule, ...]:
    """The film at `path` (.mp4) and its `FilmedModule`s as JSON beside it, both or neither.

    `progress` is called once per frame.
    """
    check_seed(seed)
    standings = film_plan(settings)
    record = {"seed": seed, **asdict(settings), "standings": [asdict(one) for one in standings]}
    with temporary_folder() as folder:
        film = folder / "film.mp4"
        _encode(film, standings, settings, seed, progress)
        files = {path.name: film.read_bytes()}
    files[path.with_suffix(".json").name] = json.dumps(record, indent=1).encode()
    write_together(path.parent, files)
    return standings


def film_plan(settings: FilmSettings) -> tuple[FilmedModule, ...]:
    """What passes the camera; every defect comes once before the first comes again."""
    pairs = zip_longest(_named(LOGICAL), _named(STRUCTURAL))
    defects = [defect for pair in pairs for defect in pair if defect is not None]
    standings: list[FilmedModule] = []
    for module in range(settings.modules):
        turn, place = divmod(module, DEFECT_PERIOD)
        first = module * settings.frames_each
        last = first + settings.frames_each - 1
        if place < DEFECT_PERIOD - 1:
            standings.append(FilmedModule(first, last, GOOD, None))
        else:
            standings.append(FilmedModule(first, last, *defects[turn % len(defects)]))
    return tuple(standings)


def _named(kind: str) -> list[tuple[str, str]]:
    return [(kind, defect) for defect in DEFECTS[kind]]


def film_frames(
    standings: tuple[FilmedModule, ...], settings: FilmSettings, seed: int
) -> Iterator[Image]:
    """The frames before compression."""
    for module, standing in enumerate(standings):
        rng = np.random.default_rng([seed, FILM_NUMBER, module])
        part = specimen(rng, standing.defect)
        canvas = paint_specimen(part, settings.size)
        for _ in range(standing.first, standing.last + 1):
            yield expose(canvas, _flickered(part.exposure, rng))


def _flickered(exposure: Exposure, rng: np.random.Generator) -> Exposure:
    gain = exposure.gain * (1 + FILM_FLICKER * float(rng.standard_normal()))
    return replace(exposure, gain=gain, noise=int(rng.integers(0, 2**31)))


def _encode(
    film: Path,
    standings: tuple[FilmedModule, ...],
    settings: FilmSettings,
    seed: int,
    progress: Callable[[], None] | None,
) -> None:
    quiet_ffmpeg()
    codec = cv2.VideoWriter.fourcc(*FILM_CODEC)
    writer = cv2.VideoWriter(str(film), codec, settings.fps, (settings.size, settings.size))
    try:
        for frame in film_frames(standings, settings, seed):
            writer.write(frame)
            if progress:
                progress()
    finally:
        writer.release()
    # OpenCV reports neither a missing encoder nor a full disk
    if frame_count(film) != settings.total:
        raise StorageError(
            f"OpenCV could not write {settings.total} frames to {film}.",
            fix="Check the free space there and that this OpenCV has FFmpeg, or use --no-film.",
        )


def frame_count(film: Path) -> int:
    """0 when OpenCV cannot open the film."""
    quiet_ffmpeg()
    capture = cv2.VideoCapture(str(film))
    try:
        return int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    finally:
        capture.release()
