"""Perlin noise (Perlin 1985, with the quintic fade of 2002) and masks cut from it."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from slsg_edge.contracts import Mask


def perlin_noise(
    rng: np.random.Generator, height: int, width: int, cells: tuple[int, int]
) -> NDArray[np.float32]:
    """(height, width) of noise in about -1 to 1, with cells[0] x cells[1] gradient cells."""
    angles = rng.uniform(0, 2 * np.pi, (cells[0] + 1, cells[1] + 1)).astype(np.float32)
    row, y = _places(height, cells[0])
    column, x = _places(width, cells[1])
    down, right = np.sin(angles), np.cos(angles)
    corners = [
        [_ramp(down, right, row + i, column + j, y - i, x - j) for j in (0, 1)] for i in (0, 1)
    ]
    fade_y, fade_x = _fade(y)[:, None], _fade(x)[None]
    top = corners[0][0] + fade_x * (corners[0][1] - corners[0][0])
    bottom = corners[1][0] + fade_x * (corners[1][1] - corners[1][0])
    noise: NDArray[np.float32] = np.float32(2**0.5) * (top + fade_y * (bottom - top))
    return noise


def perlin_mask(
    rng: np.random.Generator, height: int, width: int, cells: Sequence[int], threshold: float
) -> Mask:
    """Noise with a cell count drawn per axis, turned by U(-90, 90) degrees and cut off."""
    noise = perlin_noise(rng, height, width, (int(rng.choice(cells)), int(rng.choice(cells))))
    centre = ((width - 1) / 2, (height - 1) / 2)
    turn = cv2.getRotationMatrix2D(centre, rng.uniform(-90, 90), 1.0)
    return np.asarray(cv2.warpAffine(noise, turn, (width, height)) > threshold)


def _places(length: int, cells: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """For each pixel the cell it lies in and how far into it, 0 to 1."""
    place = np.arange(length, dtype=np.float32) * np.float32(cells / length)
    cell = place.astype(np.intp)
    return cell, place - cell.astype(np.float32)


def _ramp(
    down: NDArray[np.float32],
    right: NDArray[np.float32],
    row: NDArray[np.intp],
    column: NDArray[np.intp],
    y: NDArray[np.float32],
    x: NDArray[np.float32],
) -> NDArray[np.float32]:
    """The dot product of a corner's gradient with the way from that corner."""
    corner = np.ix_(row, column)
    ramp: NDArray[np.float32] = down[corner] * y[:, None] + right[corner] * x[None]
    return ramp


def _fade(t: NDArray[np.float32]) -> NDArray[np.float32]:
    return t * t * t * (t * (t * 6 - 15) + 10)
