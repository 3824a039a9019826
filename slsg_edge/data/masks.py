"""Masks of defects, on the image and at model resolution."""

import numpy as np

from slsg_edge.contracts import Mask, Sample
from slsg_edge.errors import DatasetError
from slsg_edge.images import read_mask
from slsg_edge.preprocessing import Preprocessing, prepare


def mask_of(sample: Sample, shape: tuple[int, ...]) -> Mask:
    """(H, W) of an image of `shape`: the union of the sample's masks, empty when it has none.

    DatasetError when a mask cannot be read or has another size than the image.
    """
    union = np.zeros(shape[:2], bool)
    for path in sample.masks:
        mask = read_mask(path)
        if mask.shape != union.shape:
            raise DatasetError(
                f"{path} is {_size(mask.shape)} but its image is {_size(union.shape)}.",
                fix="Make the mask as large as the image.",
            )
        union |= mask
    return union


def labels_of(
    sample: Sample, shape: tuple[int, ...], preprocessing: Preprocessing
) -> tuple[Mask, Mask]:
    """At model resolution: the pixels at least half defective, and those inside the image.

    Takes the way of the image itself, so that both lie on the anomaly map; outside is the border
    of a letterbox.
    """
    mask = mask_of(sample, shape)
    return _at_model(mask, preprocessing), _at_model(np.ones_like(mask), preprocessing)


def _at_model(mask: Mask, preprocessing: Preprocessing) -> Mask:
    grey = np.where(mask, np.uint8(255), np.uint8(0))
    return np.asarray(prepare(np.repeat(grey[..., None], 3, axis=2), preprocessing)[..., 0] >= 128)


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"
