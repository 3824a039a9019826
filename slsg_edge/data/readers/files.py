"""The images, folders and masks of a folder, by name. Never goes deeper than it is asked to.

So a link that leads back to where it came from does no harm.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from slsg_edge.contracts import GOOD, Sample
from slsg_edge.images import is_image

TRUTH_FOLDER = "ground_truth"
_MASK_ENDING = "_mask"


def images_in(folder: Path) -> list[Path]:
    """Sorted; none where there is no such folder."""
    # is_file, since a folder may be called x.png and a link may lead nowhere or in a circle
    return sorted(path for path in _visible(folder) if is_image(path) and path.is_file())


def good_images_in(folder: Path) -> list[tuple[Path, str]]:
    """Each image of a folder of good ones with its acquisition: none for those that lie in it
    directly, else the name of the folder in it.
    """
    inner = [path for path in folders_in(folder) if not _leads_back(path)]
    return [
        *((image, "") for image in images_in(folder)),
        *((image, path.name) for path in inner for image in images_in(path)),
    ]


def folders_in(folder: Path) -> list[Path]:
    """Sorted; none where there is no such folder."""
    return sorted(path for path in _visible(folder) if path.is_dir())


def mask_files(folder: Path) -> tuple[Path, ...]:
    """Those of `folder`, and of the folders in it that hold several for one image."""
    inside = (path for inner in folders_in(folder) for path in images_in(inner))
    return (*images_in(folder), *inside)


def masks_by_image(folder: Path) -> Mapping[str, tuple[Path, ...]]:
    """By the name of the image without its suffix: a folder `<image>`, else a file
    `<image>_mask.*`, else a file `<image>.*`.
    """
    files = images_in(folder)
    same = {path.stem: (path,) for path in files}
    named = {
        path.stem[: -len(_MASK_ENDING)]: (path,)
        for path in files
        if path.stem.endswith(_MASK_ENDING)
    }
    return {
        **same,
        **named,
        **{inner.name: tuple(images_in(inner)) for inner in folders_in(folder)},
    }


def truth_files(folder: Path) -> tuple[Path, ...]:
    """Every mask below `folder`, a folder with one for each kind; a good image needs none."""
    kinds = (kind for kind in folders_in(folder) if kind.name != GOOD)
    return tuple(path for kind in kinds for path in mask_files(kind))


def strays(masks: Iterable[Path], samples: Iterable[Sample]) -> tuple[Path, ...]:
    """Those of `masks` that none of `samples` has."""
    used = {mask for sample in samples for mask in sample.masks}
    return tuple(mask for mask in masks if mask not in used)


def _leads_back(folder: Path) -> bool:
    """A link to a folder above would show its images once more."""
    return folder.parent.resolve().is_relative_to(folder.resolve())


def _visible(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        return iter(())
    return (path for path in folder.iterdir() if not path.name.startswith("."))
