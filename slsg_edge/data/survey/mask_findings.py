"""Findings on the masks: missing, stray, unreadable, of another size, black or grey."""

from collections.abc import Sequence
from dataclasses import replace

from slsg_edge.data.dataset import Dataset
from slsg_edge.data.mask_folders import MASKS_AS_IMAGES, folders_of_masks
from slsg_edge.data.survey.finding import Finding, Severity, finding, shown
from slsg_edge.data.survey.mask_check import Fault, MaskFault

_FAULTS: tuple[tuple[Fault, Severity, str, str], ...] = (
    (
        "unreadable",
        "error",
        "Masks that cannot be read: their images are left out of the pixel figures",
        "Replace them.",
    ),
    (
        "size",
        "error",
        "Masks of another size than their image, which is left out of the pixel figures",
        "Make the mask as large as the image, without smoothing.",
    ),
    (
        "black",
        "error",
        "Masks that mark no defect: their images are left out of the pixel figures",
        "Mark the defect, or move the image to the good ones.",
    ),
    (
        "unknown",
        "error",
        "Masks with a grey value that defects_config.json does not know",
        "Take the masks as published, or remove the file to do without saturated PRO.",
    ),
    (
        "photo",
        "error",
        "Masks that look like photos: they have more grey values than a mask",
        "Put masks with 0 where good and 255 where defective in their place.",
    ),
    (
        "inverted",
        "warning",
        "Masks that mark more than half of their image, as one that is inverted does",
        "Look at them with --sheet: a mask is black where the part is good.",
    ),
    (
        "grey",
        "note",
        "Masks with grey values: defective from 128 on",
        "Nothing, if only their edges are grey; else save them as 0 and 255.",
    ),
)


def mask_findings(dataset: Dataset, faults: Sequence[MaskFault]) -> list[Finding]:
    folder = dataset.folder
    of_kinds = (
        finding(
            severity,
            f"mask-{fault}",
            what,
            [_text(one, dataset) for one in faults if one.fault == fault],
            fix,
        )
        for fault, severity, what, fix in _FAULTS
    )
    return [
        *_as_images(dataset),
        *(_worse(one, dataset) for some in of_kinds for one in some),
        *_missing(dataset),
        *finding(
            "warning",
            "mask-stray",
            "Masks that belong to no image",
            [shown(mask, folder) for mask in dataset.stray_masks],
            "Add their images, or name the masks after them.",
        ),
    ]


def _as_images(dataset: Dataset) -> list[Finding]:
    folders = folders_of_masks(dataset)
    return finding(
        "error",
        "masks-as-images",
        "Folders of masks that count as kinds of defect: no figure is right",
        [shown(folder, dataset.folder) for folder in folders],
        MASKS_AS_IMAGES,
    )


def _worse(found: Finding, dataset: Dataset) -> Finding:
    """One large defect may be one; where all masks are so, they are inverted."""
    masks = sum(len(sample.masks) for sample in dataset.samples)
    whole = found.name == "mask-inverted" and 1 < found.count == masks
    return replace(found, severity="error") if whole else found


def _missing(dataset: Dataset) -> list[Finding]:
    """A data set without any mask is whole in its way: images are labelled, not pixels."""
    defective = dataset.of("test", good=False)
    bare = [shown(one.image, dataset.folder) for one in defective if not one.masks]
    none = len(bare) == len(defective)
    return finding(
        "note" if none else "warning",
        "mask-missing",
        "Defective test images without a mask, so in no pixel figure",
        bare,
        "Add masks, if you want pixel figures." if none else "Add their masks.",
    )


def _text(fault: MaskFault, dataset: Dataset) -> str:
    name = shown(fault.mask, dataset.folder)
    return f"{name}: {fault.detail}" if fault.detail and fault.fault != "unreadable" else name
