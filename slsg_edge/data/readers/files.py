"""The images, folders and masks of a folder, by name, in natural order."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from slsg_edge.contracts import Sample
from slsg_edge.data.listing import entries_of, leads_back, list_images, natural
from slsg_edge.data.names import is_bad, is_good, is_masks, printable, without_mask_ending
from slsg_edge.data.own_output import file_reasons, folder_reason
from slsg_edge.images import is_image

TRUTH_FOLDER = "ground_truth"


def images_in(folder: Path) -> list[Path]:
    """Those that lie in it directly; none where there is no such folder, or we wrote them all."""
    # is_file, since a folder may be called x.png and a link may lead nowhere or in a circle
    paths = [path for path in _entries(folder)[1] if is_image(path) and path.is_file()]
    ours = file_reasons(folder, (path.name for path in paths))
    return [path for path in paths if path.name not in ours]


def images_below(folder: Path) -> list[Path]:
    """At any depth, but not in folders of masks or of good images in it."""
    return _below(folder, lambda inner: not is_masks(inner.name) and not is_good(inner.name))


def good_images_in(folder: Path) -> list[tuple[Path, str]]:
    """Each image of a folder of good ones, at any depth, with its acquisition: none for those that
    lie in it directly, else the name of the folder in it, as `monday` or `2026/11/28`.
    """
    found = _below(folder, lambda inner: not is_masks(inner.name) and not is_bad(inner.name))
    return [(image, _acquisition(image, folder)) for image in found]


def folders_in(folder: Path) -> list[Path]:
    """What may hold images of a data set: no masks, nothing that we wrote, no way back up."""
    return [path for path in all_folders_in(folder) if not is_masks(path.name) and not _ours(path)]


def all_folders_in(folder: Path) -> list[Path]:
    """None where there is no such folder; no link that leads to a folder above."""
    return [path for path in _entries(folder)[0] if not leads_back(path)]


def all_images_below(folder: Path) -> list[Path]:
    """As of masks and of images without labels, wherever they lie; none without the folder."""
    return list_images(folder).images if folder.is_dir() else []


def masks_by_image(folder: Path) -> Mapping[str, tuple[Path, ...]]:
    """By the name of the image without its suffix: a folder `<image>`, else a file
    `<image>_mask.*`, else a file `<image>.*`.
    """
    files = images_in(folder)
    same = {path.stem: (path,) for path in files}
    named = {stem: (path,) for path in files if (stem := without_mask_ending(path.stem))}
    inside = {inner.name: tuple(images_in(inner)) for inner in all_folders_in(folder)}
    return {**same, **named, **{name: masks for name, masks in inside.items() if masks}}


def strays(masks: Iterable[Path], samples: Iterable[Sample]) -> tuple[Path, ...]:
    """Those of `masks` that none of `samples` has."""
    used = {mask for sample in samples for mask in sample.masks}
    return tuple(mask for mask in masks if mask not in used)


def in_order(sample: Sample) -> tuple[bool, str, tuple[tuple[tuple[int, str], ...], ...]]:
    """To sort the samples of a split by: good ones first."""
    return not sample.good, sample.kind, natural(sample.image)


def _below(folder: Path, enters: Callable[[Path], bool]) -> list[Path]:
    return list_images(folder, enters).images if folder.is_dir() else []


def _acquisition(image: Path, folder: Path) -> str:
    inside = image.parent.relative_to(folder)
    return printable(inside.as_posix()) if inside.parts else ""


def _ours(folder: Path) -> bool:
    names = [path.name for path in _entries(folder)[1] if is_image(path)]
    return folder_reason(folder, names) is not None


def _entries(folder: Path) -> tuple[list[Path], list[Path]]:
    return entries_of(folder) if folder.is_dir() else ([], [])
