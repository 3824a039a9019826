"""MVTec AD, MVTec LOCO, MVTec AD 2 and BTAD: a folder per split, and in it one per kind.

    MVTec AD      train/good, test/<kind>, ground_truth/<kind>/<image>_mask.png
    MVTec LOCO    also validation/good; ground_truth/<kind>/<image>/000.png and more, or as above
    MVTec AD 2    also validation/good; test_public/<kind>, test_public/ground_truth/<kind>,
                  and test_private, test_private_mixed without labels
    BTAD          train/ok, test/ok, test/ko, ground_truth/ko/<image>.png or .bmp

`names` says what the folder of good images, that of the masks and the splits may be called, in all
of them. A folder in one of good images is an acquisition, as train/good/monday.

VisA as its authors convert it is of the first form, with masks called like their images.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from slsg_edge.contracts import GOOD, Sample, Split
from slsg_edge.data.names import is_good, is_masks, plain, printable, split_of
from slsg_edge.data.readers.files import (
    all_folders_in,
    all_images_below,
    folders_in,
    good_images_in,
    images_below,
    images_in,
)
from slsg_edge.data.readers.reader import FolderContents
from slsg_edge.data.readers.truth import black_ones, defective, parted, with_masks
from slsg_edge.data.saturation import DEFECTS_CONFIG_FILE
from slsg_edge.errors import DatasetError

_PUBLIC = "testpublic"
_PRIVATE = ("testprivate", "testprivatemixed")
_SPLITS: tuple[Split, ...] = ("train", "validation", "test")

_SplitOf = Callable[[str], Split | None]


def is_mvtec(folder: Path) -> bool:
    return any(split_of(path.name) for path in folders_in(folder))


def is_loco(folder: Path) -> bool:
    """By `validation`, by the file with the kinds of defect, or by several masks for an image."""
    truths = [path for path in all_folders_in(folder) if is_masks(path.name)]
    nested = any(folders_in(kind) for truth in truths for kind in all_folders_in(truth))
    validation = any(split_of(path.name) == "validation" for path in folders_in(folder))
    known = validation or (folder / DEFECTS_CONFIG_FILE).is_file() or nested
    return is_mvtec(folder) and known


def is_mvtec_ad_2(folder: Path) -> bool:
    return any(plain(path.name) == _PUBLIC for path in folders_in(folder))


def is_btad(folder: Path) -> bool:
    found = {(split, plain(kind.name)) for split, kind in _kinds(folder, split_of)}
    return ("train", GOOD) not in found and bool(
        found & {("train", "ok"), ("test", "ok"), ("test", "ko")}
    )


def read_mvtec(folder: Path) -> FolderContents:
    return _read(folder, split_of)


def read_mvtec_ad_2(folder: Path) -> FolderContents:
    found = _read(folder, _split_of_ad_2)
    private = [path for path in folders_in(folder) if plain(path.name) in _PRIVATE]
    unlabelled = tuple(image for path in private for image in all_images_below(path))
    return replace(found, unlabelled=unlabelled)


def _split_of_ad_2(name: str) -> Split | None:
    return "test" if plain(name) == _PUBLIC else split_of(name)


def _read(folder: Path, named: _SplitOf) -> FolderContents:
    _require_good(folder, named)
    samples: list[Sample] = []
    beside: list[Path] = []
    for split, kind in sorted(_kinds(folder, named), key=lambda one: _SPLITS.index(one[0])):
        if is_good(kind.name):
            found = dict(good_images_in(kind))
            good = parted(list(found))
            samples += [Sample(image, split, acquisition=found[image]) for image in good.images]
            beside += good.masks.values()
        else:
            samples += defective(images_below(kind), printable(kind.name), split)
    black = black_ones(beside)
    masked, stray = with_masks(samples, folder)
    marking = (mask for mask in beside if mask not in black)
    return FolderContents(masked, (*stray, *marking), black_masks=black)


def _kinds(folder: Path, named: _SplitOf) -> Iterator[tuple[Split, Path]]:
    """The folders in those of the splits."""
    for path in folders_in(folder):
        if split := named(path.name):
            yield from ((split, kind) for kind in folders_in(path))


def _require_good(folder: Path, named: _SplitOf) -> None:
    for train in (path for path in folders_in(folder) if named(path.name) == "train"):
        inside = folders_in(train)
        if not any(is_good(path.name) for path in inside):
            others = ", ".join(printable(path.name) for path in inside) or (
                "images only" if images_in(train) else "nothing"
            )
            raise DatasetError(
                f"{printable(train)} has no folder 'good', nor one of another name that is known "
                f"for good images; it has {others}.",
                fix=f"Put the good images in {printable(train / GOOD)}.",
            )
