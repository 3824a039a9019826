"""Folders of images to samples, for the layouts that people have.

    MVTec AD      train/good, test/<kind>, ground_truth/<kind>/<image>_mask.png
    MVTec LOCO    also validation/good; ground_truth/<kind>/<image>/000.png and more
    plain         a folder of images, all of them good

Which one it is shows by itself. Looks at names only and never opens an image.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from slsg_edge.contracts import GOOD, Sample, Split
from slsg_edge.errors import DatasetError
from slsg_edge.images import SUFFIXES, is_image

Layout: TypeAlias = Literal["mvtec", "loco", "plain"]

# One batch of good images. Fewer cannot show what varies in a good part and what does not.
TRAINING_MINIMUM = 4
_SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class Dataset:
    """The images of a folder, sorted by split, kind and name."""

    folder: Path
    layout: Layout
    samples: tuple[Sample, ...]

    def of(self, split: Split, good: bool | None = None) -> tuple[Sample, ...]:
        """The samples of one split: all, the good ones (True) or the defective ones (False)."""
        return tuple(
            sample
            for sample in self.samples
            if sample.split == split and good in (None, sample.good)
        )

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of defect among the test images."""
        return tuple(dict.fromkeys(sample.kind for sample in self.of("test", good=False)))


def read_dataset(folder: Path) -> Dataset:
    """The data set in `folder`; DatasetError when there is none, or it cannot be read."""
    try:
        _require_folder(folder)
        dataset = _structured(folder) if _is_structured(folder) else _plain(folder)
    except OSError as error:
        raise DatasetError(
            f"Cannot read {error.filename or folder}: {error.strerror}.",
            fix="Check its permissions.",
        ) from error
    if not dataset.samples:
        raise DatasetError(f"{folder} holds no image.", fix=_where_images_go(folder))
    return dataset


def training_images(dataset: Dataset) -> tuple[Path, ...]:
    """The good images to train on; DatasetError when fewer than TRAINING_MINIMUM."""
    images = tuple(sample.image for sample in dataset.of("train", good=True))
    require_enough(images, dataset.folder)
    return images


def require_enough(images: tuple[Path, ...], folder: Path) -> None:
    """DatasetError when these are too few to train on."""
    if len(images) < TRAINING_MINIMUM:
        raise DatasetError(
            f"{folder} has {len(images)} good {'image' if len(images) == 1 else 'images'} to "
            f"train on, and training needs at least {TRAINING_MINIMUM}.",
            fix="Add good images: 50 are a start, a few hundred are better.",
        )


def good_images(folder: Path) -> list[Path]:
    """What a threshold may be found from: `validation/good` of a data set, or a plain folder."""
    dataset = read_dataset(folder)
    if dataset.layout == "plain":
        return [sample.image for sample in dataset.samples]
    held_out = [sample.image for sample in dataset.of("validation", good=True)]
    if not held_out:
        raise DatasetError(
            f"{folder} has no validation/good, the good images kept out of training.",
            fix="Give a folder of good images that were not trained on.",
        )
    return held_out


def _require_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    if folder.exists():
        raise DatasetError(f"{folder} is a file.", fix="Give the folder that holds the images.")
    raise DatasetError(f"There is no folder {folder}.", fix="Check the path.")


def _is_structured(folder: Path) -> bool:
    return any((folder / split).is_dir() for split in _SPLITS)


def _plain(folder: Path) -> Dataset:
    return Dataset(folder, "plain", tuple(Sample(path, "train") for path in _images(folder)))


def _structured(folder: Path) -> Dataset:
    if (folder / "train").is_dir() and not (folder / "train" / GOOD).is_dir():
        raise DatasetError(
            f"{folder / 'train'} has no folder '{GOOD}'.",
            fix=f"Put the good images in {folder / 'train' / GOOD}.",
        )
    samples = tuple(
        Sample(image, split, kind.name, _masks_of(image, folder / "ground_truth" / kind.name))
        for split in _SPLITS
        for kind in _kinds(folder / split, split)
        for image in _images(kind)
    )
    masks_in_folders = any(len(mask.relative_to(folder).parts) > 3 for mask in _masks(samples))
    loco = masks_in_folders or (folder / "validation").is_dir()
    return Dataset(folder, "loco" if loco else "mvtec", samples)


def _masks(samples: tuple[Sample, ...]) -> Iterator[Path]:
    return (mask for sample in samples for mask in sample.masks)


def _kinds(folder: Path, split: Split) -> list[Path]:
    """The folders of a split; anything but good is for the test alone."""
    if not folder.is_dir():
        return []
    kinds = sorted(path for path in _visible(folder) if path.is_dir())
    return [path for path in kinds if split == "test" or path.name == GOOD]


def _images(folder: Path) -> list[Path]:
    # is_file, since a folder may be called x.png and a link may lead nowhere or in a circle
    return sorted(path for path in _visible(folder) if is_image(path) and path.is_file())


def _visible(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if not path.name.startswith("."))


def _masks_of(image: Path, folder: Path) -> tuple[Path, ...]:
    """A file `<image>_mask.*`, or every file of a folder `<image>`; none is no error."""
    if not folder.is_dir():
        return ()
    if (folder / image.stem).is_dir():
        return tuple(_images(folder / image.stem))
    candidates = (folder / f"{image.stem}_mask{suffix}" for suffix in sorted(SUFFIXES))
    return tuple(path for path in candidates if path.is_file())


def _where_images_go(folder: Path) -> str:
    inside = sorted(path.name for path in _visible(folder) if path.is_dir())
    if GOOD in inside and not _is_structured(folder):
        return f"Give {folder / GOOD}, or the folder that holds train and test."
    known = ", ".join(sorted(SUFFIXES))
    return f"Put images in it, or in train/{GOOD} below it. Known are {known}."
