"""KolektorSDD and KolektorSDD2: a mask beside each image, black when the image is good.

    KolektorSDD     kos01/Part0.jpg, kos01/Part0_label.bmp; a folder per item, no split
    KolektorSDD2    train/10000.png, train/10000_GT.png, test/20000.png, test/20000_GT.png

Here the mask is the label, so this reader opens files. Folders that somebody sorted into good ones
and others are none of these, whatever their files are called.
"""

from pathlib import Path

from slsg_edge.contracts import Sample, Split
from slsg_edge.data.masks import is_black
from slsg_edge.data.names import is_good, split_of
from slsg_edge.data.readers.files import folders_in, images_in, in_order
from slsg_edge.data.readers.reader import FolderContents
from slsg_edge.data.readers.truth import looks_like_pairs
from slsg_edge.data.splits import in_test_share
from slsg_edge.data.threads import in_threads

KIND = "defect"

_ENDINGS = ("_GT", "_label")
_SPLITS: tuple[Split, ...] = ("train", "test")


def is_kolektor(folder: Path) -> bool:
    inside = folders_in(folder)
    if any(is_good(path.name) for one in inside for path in (one, *folders_in(one))):
        return False
    pairs = [(mask, image) for one in inside for image, mask in _pairs(one) if mask]
    return looks_like_pairs(pairs)


def read_kolektor(folder: Path) -> FolderContents:
    """An image without a mask is unlabelled.

    KolektorSDD shows the good places of an item several times, so that its good images are on one
    side together. Whatever is defective in it is for the test.
    """
    pairs = [pair for inside in folders_in(folder) for pair in _pairs(inside)]
    labelled = [(image, mask) for image, mask in pairs if mask]
    masks = [mask for _, mask in labelled]
    samples = [
        _sample(image, mask, good)
        for (image, mask), good in zip(labelled, in_threads(is_black, masks), strict=True)
    ]
    files = [path for inside in folders_in(folder) for path in images_in(inside)]
    paired = set(masks)
    return FolderContents(
        tuple(sorted(samples, key=lambda one: (_SPLITS.index(one.split), in_order(one)))),
        tuple(path for path in files if _is_mask(path) and path not in paired),
        tuple(image for image, mask in pairs if mask is None),
        tuple(paired.difference(mask for sample in samples for mask in sample.masks)),
    )


def _sample(image: Path, mask: Path, good: bool) -> Sample:
    split = _split(image.parent.name, good)
    return Sample(image, split) if good else Sample(image, split, KIND, (mask,))


def _split(item: str, good: bool) -> Split:
    if known := split_of(item):
        return "train" if known == "train" else "test"
    return "train" if good and not in_test_share(item.encode(errors="surrogateescape")) else "test"


def _pairs(folder: Path) -> list[tuple[Path, Path | None]]:
    """Each image with its mask, or with none."""
    files = images_in(folder)
    masks = {_image_stem(path): path for path in files if _is_mask(path)}
    return [(path, masks.get(path.stem)) for path in files if not _is_mask(path)]


def _is_mask(path: Path) -> bool:
    return path.stem.endswith(_ENDINGS)


def _image_stem(mask: Path) -> str:
    ending = next(ending for ending in _ENDINGS if mask.stem.endswith(ending))
    return mask.stem[: -len(ending)]
