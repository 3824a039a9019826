"""Masks of defects: one channel per file, and their union.

A mask file is black where good. Data sets differ in the rest:

    MVTec AD, BTAD     255 where defective; edges may be grey after a resize or as JPEG
    MVTec LOCO         one defect per file, its grey value names the kind in defects_config.json
    VisA, Kolektor     small numbers, one per kind of defect

So without a configuration a pixel is defective from grey 128 on, or wherever it is not black in
a file that has nothing above 127. With one, the grey value must be known to it.

A file of 16 bit with nothing above 255 holds such small numbers, too; else its low byte is lost.
Where the colour is the same everywhere and the opacity is not, the opacity is the mask.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from slsg_edge.contracts import Channel, Mask, Sample
from slsg_edge.data.saturation import DefectRule
from slsg_edge.errors import DatasetError
from slsg_edge.images import decode_as_stored, image_content, quiet_opencv

Rules: TypeAlias = Mapping[int, DefectRule]

_FEW, _MOST = 8, 0.9  # of the grey values, the share of the pixels that have one of them
HALF = 128  # grey from which a pixel of a plain mask is defective


def channels_of(
    sample: Sample, shape: tuple[int, ...], rules: Rules | None = None
) -> tuple[Channel, ...]:
    """The defects of an image of `shape`, one per mask file; none for a good image.

    `rules`: those of `defects_config.json`. DatasetError when a mask is missing, cannot be read,
    is empty, has another size than the image or a grey value that the rules do not know.
    """
    if not sample.good and not sample.masks:
        raise DatasetError(f"{sample.image} has no mask.", fix="Add one under ground_truth.")
    return tuple(_channel(path, shape, rules) for path in sample.masks)


def mask_of(sample: Sample, shape: tuple[int, ...]) -> Mask:
    """(H, W) of an image of `shape`: the union of the sample's masks, empty when it has none.

    DatasetError as for `channels_of`, but no mask is no error.
    """
    union = np.zeros(shape[:2], bool)
    for path in sample.masks:
        union |= _channel(path, shape, None).mask
    return union


def grey_of(path: Path) -> NDArray[np.uint8]:
    """(H, W) the brightest of the channels, since some tools mark defects in red."""
    content = image_content(path)
    stored = decode_as_stored(content, path)
    grey = stored.max(axis=2) if stored.ndim == 3 else stored
    if grey.min() == grey.max():
        grey = _opacity(content, grey)
    return _eight_bit(grey)


def looks_like_mask_of(mask: Path, image: Path) -> bool:
    """Whether `mask` is black somewhere and has few values and the size of `image`, which has
    many; False for what cannot be read.
    """
    try:
        grey, photo = grey_of(mask), grey_of(image)
    except DatasetError:
        return False
    few = not grey.min() and has_few_values(grey)
    return few and grey.shape == photo.shape and not has_few_values(photo)


def has_few_values(grey: NDArray[np.uint8], share: float = _MOST) -> bool:
    """Whether so many pixels have one of a few values, as in a mask; a photo has many."""
    counts = np.sort(np.bincount(grey.ravel(), minlength=256))[::-1]
    return bool(counts[:_FEW].sum() >= share * counts.sum())


def is_black(mask: Path) -> bool:
    """One that cannot be read is no proof of a good image."""
    try:
        return not grey_of(mask).any()
    except DatasetError:
        return False


def marked(grey: NDArray[np.uint8]) -> Mask:
    """Where a mask without a configuration says that there is a defect."""
    return np.asarray(grey >= (HALF if grey.max() >= HALF else 1))


def _eight_bit(grey: NDArray[Any]) -> NDArray[np.uint8]:
    """Numbers of kinds as they are, in whatever depth they are stored; else the high byte."""
    if grey.dtype == np.uint16 and grey.max() >= 256:
        grey = grey >> 8
    if grey.dtype.kind == "f":
        grey = np.nan_to_num(grey) * (255 if np.nanmax(grey) <= 1 else 1)
    return np.asarray(np.clip(grey, 0, 255), np.uint8)


def _opacity(content: bytes, grey: NDArray[Any]) -> NDArray[Any]:
    """(H, W) where it tells places apart, else `grey`."""
    import cv2

    with quiet_opencv():
        whole = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if whole is None or whole.ndim != 3 or whole.shape[2] != 4:
        return grey
    opacity = np.asarray(whole[..., 3])
    return opacity if opacity.shape == grey.shape and opacity.min() < opacity.max() else grey


def _channel(path: Path, shape: tuple[int, ...], rules: Rules | None) -> Channel:
    grey = grey_of(path)
    if grey.shape != shape[:2]:
        raise DatasetError(
            f"{path} is {_size(grey.shape)} but its image is {_size(shape)}.",
            fix="Make the mask as large as the image.",
        )
    if not grey.any():
        raise DatasetError(
            f"{path} is black: it marks no defect.",
            fix="Mark the defect, or move the image to the good ones.",
        )
    if rules is None:
        return Channel(marked(grey))
    rule = _rule(path, grey, rules)
    mask = grey > 0
    return Channel(mask, rule.saturation(int(mask.sum())), rule.name)


def _rule(path: Path, grey: NDArray[np.uint8], rules: Rules) -> DefectRule:
    values = [int(value) for value in np.unique(grey) if value]
    if len(values) == 1 and values[0] in rules:
        return rules[values[0]]
    known = ", ".join(map(str, sorted(rules)))
    raise DatasetError(
        f"{path} has the grey values {', '.join(map(str, values[:8]))}, and must have one of "
        f"those in its defects_config.json: {known}.",
        fix="Take the masks as published, neither merged nor resized with smooth edges.",
    )


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"
