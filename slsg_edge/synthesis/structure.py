"""The picture that a structure anomaly is cut from: the product itself, put out of order."""

import cv2
import numpy as np
from numpy.typing import NDArray

from slsg_edge.contracts import Image
from slsg_edge.synthesis.colour import jitter
from slsg_edge.synthesis.settings import SourceRule, StructureSettings

WEAK_JITTER = (0.2, 0.2, 0.1)  # brightness, saturation, hue


def structure_source(
    rng: np.random.Generator, image: Image, other: Image, settings: StructureSettings
) -> Image:
    """(H, W, 3): by one of the source rules from `image` or from `other`, then recoloured."""
    weights = np.array([rule.weight for rule in settings.sources])
    rule = settings.sources[rng.choice(len(weights), p=weights / weights.sum())]
    source = _flip(rng, image if rule.image == "self" else other, rule)
    if rng.random() < (settings.jitter if rule.jitter is None else rule.jitter):
        strong = rng.random() < settings.strong_jitter_probability
        brightness, saturation, hue = settings.strong_jitter if strong else WEAK_JITTER
        source = jitter(rng, source, brightness, saturation=saturation, hue=hue)
    if rng.random() < settings.blur:
        source = np.asarray(cv2.GaussianBlur(source, (0, 0), 2), dtype=np.uint8)
    if rng.random() < rule.swap_edges:
        source = swap_edges(source)
    return shuffle_cells(rng, _shift(rng, source, rule.shift), *rule.shuffle)


def shuffle_cells(
    rng: np.random.Generator,
    image: Image,
    rows: int,
    columns: int,
    chosen: NDArray[np.intp] | None = None,
) -> Image:
    """Permutes the cells of a grid, or of it only those with the flat indices `chosen`.

    Rows and columns that do not fill a cell stay where they are, at the bottom and right.
    """
    if rows * columns == 1:
        return image
    height, width = image.shape[0] // rows, image.shape[1] // columns
    inner = image[: rows * height, : columns * width]
    cells = inner.reshape(rows, height, columns, width, 3).swapaxes(1, 2)
    flat = cells.reshape(rows * columns, height, width, 3)
    order = np.arange(rows * columns)
    moved = order if chosen is None else chosen
    order[moved] = rng.permutation(moved)
    shuffled = image.copy()
    shuffled[: rows * height, : columns * width] = (
        flat[order].reshape(rows, columns, height, width, 3).swapaxes(1, 2).reshape(inner.shape)
    )
    return shuffled


def swap_edges(image: Image) -> Image:
    """The outer quarters of the rows are replaced with the inner ones."""
    quarter = image.shape[0] // 4
    swapped = image.copy()
    swapped[:quarter] = image[quarter : 2 * quarter]
    swapped[-quarter:] = image[-2 * quarter : -quarter]
    return swapped


def _flip(rng: np.random.Generator, image: Image, rule: SourceRule) -> Image:
    upside_down = rule.flip == "vertical" or (rule.flip == "random" and rng.random() < 0.5)
    mirrored = rule.flip == "horizontal" or (rule.flip == "random" and rng.random() < 0.5)
    flipped = image[:: -1 if upside_down else 1, :: -1 if mirrored else 1]
    return np.ascontiguousarray(flipped)


def _shift(rng: np.random.Generator, image: Image, most: tuple[float, float]) -> Image:
    if most == (0.0, 0.0):
        return image
    shares = rng.uniform(-1, 1, 2) * most
    rows, columns = (round(share * side) for share, side in zip(shares, image.shape, strict=False))
    return np.roll(image, (rows, columns), (0, 1))
