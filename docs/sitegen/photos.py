"""The pictures of `photos.md`: the drawn product, photographed well and badly.

`python -m sitegen.photos` draws them anew into `docs/photos`.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from slsg_edge.contracts import Image
from slsg_edge.demo.sample.specimen import Specimen, draw, specimen

FOLDER = Path(__file__).resolve().parent.parent / "photos"
SIDE = 224
SEED = 7
_QUALITY = 78


def pictures() -> dict[str, Image]:
    """By the name of the file, without its ending."""
    return {name: photograph(_part()) for name, photograph in _PHOTOGRAPHS.items()}


def write_pictures(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name, picture in pictures().items():
        _, data = cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, _QUALITY))
        (folder / f"{name}.jpg").write_bytes(data.tobytes())


def _part(defect: str | None = None) -> Specimen:
    return specimen(np.random.default_rng(SEED), defect)


def _good(part: Specimen) -> Image:
    return draw(part, SIDE)[0]


def _dark(part: Specimen) -> Image:
    return _good(replace(part, exposure=replace(part.exposure, gain=0.3)))


def _too_bright(part: Specimen) -> Image:
    return _good(replace(part, exposure=replace(part.exposure, gain=1.9)))


def _uneven(part: Specimen) -> Image:
    return _good(replace(part, exposure=replace(part.exposure, gain=0.85, slope=(0.6, 0.25))))


def _blurred(part: Specimen) -> Image:
    """It moved 17 pixels while the shutter was open."""
    kernel = np.full((1, 17), 1 / 17, np.float32)
    return np.asarray(cv2.filter2D(_good(part), -1, kernel), dtype=np.uint8)


def _reflection(part: Specimen) -> Image:
    across, down = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    far = np.hypot((across - 0.42 * SIDE) / 40, (down - 0.5 * SIDE) / 22)
    shine = 255 * np.clip(1.6 - far, 0, 1)[..., None]
    return np.asarray(np.clip(_good(part) + shine, 0, 255), dtype=np.uint8)


def _too_small(part: Specimen) -> Image:
    """The camera hangs too high: most of the picture is belt."""
    small = cv2.resize(_good(part), None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA)
    belt = np.full((SIDE, SIDE, 3), np.median(small[:3], axis=(0, 1)), np.uint8)
    noise = np.random.default_rng(SEED).integers(-3, 4, belt.shape)
    picture = np.asarray(np.clip(belt + noise, 0, 255), dtype=np.uint8)
    height, width = small.shape[:2]
    picture[70 : 70 + height, 90 : 90 + width] = small
    return picture


def _cut_off(part: Specimen) -> Image:
    shift = np.array([[1, 0, 90], [0, 1, 50]], np.float32)
    picture = _good(part)
    moved = cv2.warpAffine(picture, shift, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, dtype=np.uint8)


def _compressed(part: Specimen) -> Image:
    _, data = cv2.imencode(".jpg", _good(part), (cv2.IMWRITE_JPEG_QUALITY, 4))
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)


def _defective(part: Specimen) -> Image:
    return _good(_part("scratch"))


_PHOTOGRAPHS: dict[str, Callable[[Specimen], Image]] = {
    "good": _good,
    "defective": _defective,
    "dark": _dark,
    "too-bright": _too_bright,
    "uneven": _uneven,
    "reflection": _reflection,
    "blurred": _blurred,
    "too-small": _too_small,
    "cut-off": _cut_off,
    "compressed": _compressed,
}

if __name__ == "__main__":
    write_pictures(FOLDER)
