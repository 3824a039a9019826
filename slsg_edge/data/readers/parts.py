"""A folder that is a part of a data set, given in place of it: what to say.

Images in a folder without others beside them count as good, so one of defective parts or of masks
must not be taken for such a folder.
"""

from collections.abc import Sequence
from pathlib import Path

from slsg_edge.data.masks import grey_of, has_few_values
from slsg_edge.data.names import is_bad, is_good, is_masks, printable, split_of
from slsg_edge.data.readers.files import folders_in
from slsg_edge.errors import DatasetError

_LOOKED_AT = 3  # images that are opened to see whether they are masks
_ABOVE = "Give the folder above it, which holds the good images, too; or call it good if they are."


def refuse_part_of_data_set(folder: Path) -> None:
    """A test alone would be split anew, and part of it trained on."""
    place = folder.resolve()
    split = split_of(place.name)
    if split in (None, "train") or not _has_train(place.parent):
        return
    raise DatasetError(
        f"{printable(folder)} is the {split} split of the data set {printable(place.parent)}.",
        fix=f"Give {printable(place.parent)}.",
    )


def refuse_what_is_not_good(folder: Path, images: Sequence[Path]) -> None:
    """By the names of the folder and of the one above; masks by a look at a few of them."""
    place = folder.resolve()
    above = place.parent
    if is_good(place.name):
        return
    kind_of_bad = is_bad(above.name) and any(
        is_good(path.name) for path in folders_in(above.parent)
    )
    kind_of_test = split_of(above.name) == "test" and _has_train(above.parent)
    if is_bad(place.name) or kind_of_bad or kind_of_test:
        raise defects_alone(folder, place)
    if (is_masks(place.name) or is_masks(above.name)) and all(map(_is_mask, images[:_LOOKED_AT])):
        raise masks_alone(folder)


def defects_alone(folder: Path, where: Path) -> DatasetError:
    inside = "" if where == folder.resolve() else f", in {printable(where.name)}"
    return DatasetError(
        f"{printable(folder)} holds defective images alone{inside}, by the names of the folders.",
        fix=f"Put good ones into {printable(folder / 'good')}." if inside else _ABOVE,
    )


def masks_alone(folder: Path) -> DatasetError:
    return DatasetError(f"{printable(folder)} is a folder of masks.", fix=_ABOVE)


def _has_train(folder: Path) -> bool:
    return any(split_of(path.name) == "train" for path in folders_in(folder))


def _is_mask(path: Path) -> bool:
    try:
        grey = grey_of(path)
    except DatasetError:
        return False
    return not grey.min() and has_few_values(grey)
