"""Masks of defects: one channel per file, and their union.

A mask file is black where good. Data sets differ in the rest:

    MVTec AD, BTAD     255 where defective; edges may be grey after a resize or as JPEG
    MVTec LOCO         one defect per file, its grey value names the kind in defects_config.json
    VisA, Kolektor     small numbers, one per kind of defect

So without a configuration a pixel is defective from grey 128 on, or wherever it is not black in
a file that has nothing above 127. With one, the grey value must be known to it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from slsg_edge.contracts import Channel, Mask, Sample
from slsg_edge.data.saturation import DefectRule
from slsg_edge.errors import DatasetError
from slsg_edge.images import read_image

Rules: TypeAlias = Mapping[int, DefectRule]

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
    return np.asarray(read_image(path).max(axis=2), dtype=np.uint8)


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
        return Channel(grey >= (HALF if grey.max() >= HALF else 1))
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
