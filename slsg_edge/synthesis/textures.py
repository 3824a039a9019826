"""Foreign textures: photos from a folder, or procedural ones where there is none.

Three of ten augmentations (DRAEM's list, arXiv 2108.07610) make each one look new.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from slsg_edge.contracts import Image
from slsg_edge.data.listing import list_images
from slsg_edge.errors import DatasetError
from slsg_edge.preprocessing import resize
from slsg_edge.synthesis.colour import apply_curve, shift_hue_saturation
from slsg_edge.synthesis.perlin import perlin_noise

LEVELS = np.arange(256, dtype=np.float32)


class Photos(Protocol):
    """An array (N, H, W, 3) or something that hands out its images."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Image: ...


@dataclass(frozen=True, slots=True)
class TexturePhotos:
    """Photos at model resolution."""

    photos: Photos

    def draw(self, rng: np.random.Generator, height: int, width: int) -> Image:
        photo = self.photos[int(rng.integers(len(self.photos)))]
        return photo if photo.shape[:2] == (height, width) else resize(photo, height, width)


@dataclass(frozen=True, slots=True)
class ProceduralTextures:
    """Noise of several scales, stripes and spots between two random colours."""

    def draw(self, rng: np.random.Generator, height: int, width: int) -> Image:
        pattern = PATTERNS[rng.integers(len(PATTERNS))](rng, height, width)
        low, high = pattern.min(), pattern.max()
        pattern = (pattern - low) / max(float(high - low), 1e-6)
        colours = rng.uniform(0, 255, (2, 3)).astype(np.float32)
        mixed = colours[0] + pattern[..., None] * (colours[1] - colours[0])
        return np.asarray(np.rint(mixed), dtype=np.uint8)


def texture_files(folder: Path) -> list[Path]:
    """The images below `folder`, sorted; DatasetError when there is none."""
    paths = list_images(folder).images if folder.is_dir() else []
    if not paths:
        raise DatasetError(
            f"No texture image in {folder}.",
            fix="Give a folder of photos, or leave --textures out for procedural ones.",
        )
    return paths


def augment(rng: np.random.Generator, image: Image, count: int) -> Image:
    """`count` different augmentations of the ten, in random order."""
    for index in rng.permutation(len(AUGMENTATIONS))[:count]:
        image = AUGMENTATIONS[index](rng, image)
    return image


def _cloud(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    scales = [int(2**power) for power in rng.integers(1, 6, 3)]
    layers = [perlin_noise(rng, height, width, (scale, scale)) / scale for scale in scales]
    return np.asarray(np.sum(layers, axis=0), dtype=np.float32)


def _stripes(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    angle, waves = rng.uniform(0, np.pi), rng.uniform(4, 40)
    y = np.arange(height, dtype=np.float32)[:, None] / height * np.float32(np.sin(angle))
    x = np.arange(width, dtype=np.float32)[None] / width * np.float32(np.cos(angle))
    bent = 0.1 * perlin_noise(rng, height, width, (4, 4))
    return np.sin(np.float32(2 * np.pi * waves) * (x + y + bent)).astype(np.float32)


def _spots(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    noise = rng.standard_normal((height, width)).astype(np.float32)
    sigma = rng.uniform(0.6, 6)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), sigma), dtype=np.float32)


PATTERNS = (_cloud, _stripes, _spots)


def _gamma(rng: np.random.Generator, image: Image) -> Image:
    exponents = rng.uniform(0.5, 2.0, 3).astype(np.float32)
    return apply_curve(image, 255 * (LEVELS[:, None, None] / 255) ** exponents)


def _brightness(rng: np.random.Generator, image: Image) -> Image:
    return apply_curve(image, LEVELS * rng.uniform(0.8, 1.2) + rng.uniform(-30, 30))


def _sharpness(rng: np.random.Generator, image: Image) -> Image:
    amount = rng.uniform(0.0, 2.0)
    soft = cv2.GaussianBlur(image, (0, 0), 1.5)
    return np.asarray(cv2.addWeighted(image, 1 + amount, soft, -amount, 0), dtype=np.uint8)


def _hue_saturation(rng: np.random.Generator, image: Image) -> Image:
    hue, saturation = rng.uniform(-50, 50, 2)
    return shift_hue_saturation(image, turn=hue / 255, offset=saturation)


def _solarise(rng: np.random.Generator, image: Image) -> Image:
    if rng.random() < 0.5:
        return image
    threshold = rng.uniform(32, 128)
    return apply_curve(image, np.where(threshold <= LEVELS, 255 - LEVELS, LEVELS))


def _posterise(rng: np.random.Generator, image: Image) -> Image:
    step = 2 ** rng.integers(4, 8)
    return apply_curve(image, (LEVELS // step * step).astype(np.float32))


def _invert(rng: np.random.Generator, image: Image) -> Image:
    return np.asarray(255 - image, dtype=np.uint8)


def _autocontrast(rng: np.random.Generator, image: Image) -> Image:
    low, high = image.min((0, 1)).astype(np.float32), image.max((0, 1)).astype(np.float32)
    curves = (LEVELS[:, None, None] - low) * 255 / np.maximum(high - low, 1)
    return apply_curve(image, curves.astype(np.float32))


def _equalise(rng: np.random.Generator, image: Image) -> Image:
    channels: Sequence[NDArray[np.uint8]] = [
        np.asarray(cv2.equalizeHist(np.ascontiguousarray(image[..., c])), np.uint8)
        for c in range(3)
    ]
    return np.stack(channels, -1)


def _rotate(rng: np.random.Generator, image: Image) -> Image:
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-45, 45), 1.0)
    turned = cv2.warpAffine(image, turn, (width, height), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(turned, dtype=np.uint8)


AUGMENTATIONS: tuple[Callable[[np.random.Generator, Image], Image], ...] = (
    _gamma,
    _brightness,
    _sharpness,
    _hue_saturation,
    _solarise,
    _posterise,
    _invert,
    _autocontrast,
    _equalise,
    _rotate,
)
