"""The images below a folder, in the order in which people count, and what is left out and why.

Links are followed. Each folder is read once, whatever leads to it, and a link to a folder that
holds the one it lies in is not followed: so a walk always ends, and no image comes twice.
"""

import os
import re
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from slsg_edge.data.left_out import (
    NO_FILE,
    NOWHERE,
    UPWARDS,
    LeftOut,
    file_reason,
    is_litter,
)
from slsg_edge.data.names import printable
from slsg_edge.data.own_output import file_reasons, folder_reason
from slsg_edge.errors import DatasetError
from slsg_edge.images import is_image

Entries = tuple[list[Path], list[Path]]

_Identity = tuple[int, int]
_NUMBER = re.compile(r"([0-9]+)")
_DIGITS = 1000  # more than the name of any file has, and fewer than Python makes a number of
_known: ContextVar[dict[Path, Entries] | None] = ContextVar("_known", default=None)


def natural(path: Path) -> tuple[tuple[tuple[int, str], ...], ...]:
    """A key to sort paths by: folder by folder, and `img2` before `img10`."""
    return tuple(map(_parts, path.parts))


def _parts(name: str) -> tuple[tuple[int, str], ...]:
    parts = enumerate(_NUMBER.split(name))
    return tuple((int(part[:_DIGITS]), part) if place % 2 else (0, part) for place, part in parts)


@dataclass(slots=True)
class Listing:
    """What a walk found; `folders` are those that were read, whatever led to them."""

    images: list[Path] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    folders: set[_Identity] = field(default_factory=set)

    def leave_out(self, paths: Iterable[Path], why: str) -> None:
        self.left_out += [LeftOut(path, why) for path in paths]


def list_images(root: Path, enters: Callable[[Path], bool] = lambda folder: True) -> Listing:
    """Everything below `root` but what lies in a folder that `enters` refuses, sorted.

    DatasetError for a folder that may not be read.
    """
    found = Listing()
    above = {_identity(folder) for folder in root.resolve().parents}
    for folder, files in _folders(root, found, above, enters):
        pictures = [path for path in files if is_image(path)]
        names = [path.name for path in pictures]
        why = folder_reason(folder, names) if folder != root else None
        reasons = dict.fromkeys(names, why) if why else file_reasons(folder, names)
        for path in pictures:
            reason = reasons.get(path.name) or _no_image(path)
            found.images += [] if reason else [path]
            found.leave_out([path] if reason else [], reason or "")
        others = (path for path in files if not is_image(path))
        found.left_out += [LeftOut(path, why) for path in others if (why := file_reason(path))]
    found.images.sort(key=natural)
    return found


def entries_of(folder: Path) -> Entries:
    """The folders and the files in it, sorted; neither hidden ones nor litter of a system.

    DatasetError where it may not be read.
    """
    known = _known.get()
    if known is None:
        return _listed(folder)
    if folder not in known:
        known[folder] = _listed(folder)
    return known[folder]


@contextmanager
def each_folder_once() -> Iterator[None]:
    """While this is open, no folder is listed twice: several readers may look at a large one."""
    token = _known.set({})
    try:
        yield
    finally:
        _known.reset(token)


def _listed(folder: Path) -> Entries:
    try:
        with os.scandir(folder) as entries:
            found = sorted(
                (_parts(one.name), one.name, _is_folder(one))
                for one in entries
                if not is_litter(one.name)
            )
    except OSError as error:
        _refuse(error)
    folders = [folder / name for _, name, inner in found if inner]
    return folders, [folder / name for _, name, inner in found if not inner]


def leads_back(folder: Path) -> bool:
    """A link to a folder above would show its images once more."""
    return folder.is_symlink() and folder.parent.resolve().is_relative_to(folder.resolve())


def contains(root: Path, other: Path) -> bool:
    """Whether `other`, which need not exist, lies in `root` or in a folder that is read with it."""
    inside = list_images(root).folders
    place = other.resolve()
    there = (folder for folder in (place, *place.parents) if folder.exists())
    return any(_identity(folder) in inside for folder in there)


def _folders(
    root: Path, found: Listing, above: set[_Identity], enters: Callable[[Path], bool]
) -> Iterator[tuple[Path, list[Path]]]:
    """Each with its files; links come last, so that a folder is found where it really is."""
    waiting, links = deque([root]), deque[Path]()
    while waiting or links:
        folder = waiting.popleft() if waiting else links.popleft()
        identity = _identity(folder)
        if identity in above or (folder != root and leads_back(folder)):
            found.leave_out([folder], UPWARDS)
        elif identity not in found.folders:
            found.folders.add(identity)
            inner, files = entries_of(folder)
            entered = [path for path in inner if enters(path)]
            waiting.extend(path for path in entered if not path.is_symlink())
            links.extend(path for path in entered if path.is_symlink())
            yield folder, files


def _no_image(path: Path) -> str | None:
    """Why something that is called like an image cannot be opened as a file; None when it can."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return NOWHERE if path.is_symlink() else None
    return None if stat.S_ISREG(mode) else NO_FILE


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    """Not a link that leads nowhere or in a circle."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _identity(folder: Path) -> _Identity:
    found = folder.stat()
    return found.st_dev, found.st_ino


def _refuse(error: OSError) -> NoReturn:
    raise DatasetError(
        f"Cannot read {printable(error.filename)}: {error.strerror}.", fix="Check its permissions."
    ) from error
