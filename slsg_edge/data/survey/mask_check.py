"""What is wrong with the mask of a defective image.

Says the same as `masks.channels_of` refuses, but of every mask and by kind of fault, and also
what it takes as it is.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from slsg_edge.contracts import Sample
from slsg_edge.data.masks import HALF, Rules, grey_of, has_few_values, marked
from slsg_edge.data.survey.facts import ImageFacts
from slsg_edge.errors import DatasetError

_MOST_OF_AN_IMAGE = 0.5  # a defect that is larger is rather a mask the other way round

_SHARE_OF_A_MASK = 0.5  # of the pixels have one of a few values, however smooth the edges

Fault: TypeAlias = Literal["unreadable", "size", "black", "unknown", "photo", "inverted", "grey"]


@dataclass(frozen=True, slots=True)
class MaskFault:
    mask: Path
    fault: Fault
    detail: str


def mask_faults(sample: Sample, image: ImageFacts, rules: Rules | None) -> list[MaskFault]:
    """One for each mask that has one; `rules` are those of `defects_config.json`."""
    faults = (_fault(mask, image, rules) for mask in sample.masks)
    return [fault for fault in faults if fault]


def _fault(mask: Path, image: ImageFacts, rules: Rules | None) -> MaskFault | None:
    try:
        grey = grey_of(mask)
    except DatasetError as error:
        return MaskFault(mask, "unreadable", error.what)
    if grey.shape != (image.height, image.width):
        size = f"{grey.shape[1]}x{grey.shape[0]}"
        return MaskFault(mask, "size", f"{size}, its image {image.size}")
    values = _values(grey.tobytes())
    if not values:
        return MaskFault(mask, "black", "")
    if rules is not None and not (len(values) == 1 and values[0] in rules):
        return MaskFault(mask, "unknown", f"grey {', '.join(map(str, values[:8]))}")
    if not has_few_values(grey, _SHARE_OF_A_MASK):
        return MaskFault(mask, "photo", f"{len(values)} values")
    share = float(marked(grey).mean())
    if share > _MOST_OF_AN_IMAGE:
        return MaskFault(mask, "inverted", f"{share:.0%} of the image")
    # small numbers are kinds of defect, as in VisA, and one value alone is a plain mask
    if len(values) > 1 and values[-1] >= HALF:
        return MaskFault(mask, "grey", f"{len(values)} values")
    return None


def _values(pixels: bytes) -> list[int]:
    """The grey values other than black, in order; a set of bytes is quicker than np.unique."""
    return sorted(set(pixels) - {0})
