"""What lies in the folder of a bundle: ordinary files under plain names, and not too much of it."""

import os
import stat
import unicodedata
from pathlib import Path

from slsg_edge.bundle.digests import FILE_LIMIT, unreadable
from slsg_edge.bundle.manifest import LONGEST_NAME
from slsg_edge.errors import UntrustedBundle
from slsg_edge.storage import TEMPORARY

MOST_FILES = 1000
_DEEPEST = 3  # folders in each other; a bundle has one, of engines


def files_of(bundle: Path) -> dict[str, int]:
    """Their sizes in bytes, by their names with `/`; what a killed process left is passed over.

    UntrustedBundle for a link, a pipe, a device, a name that is none or that two files could have
    on another file system, too many files or too large ones. Nothing is opened.
    """
    found: dict[str, int] = {}
    waiting = [(bundle, "", 0)]
    while waiting:
        folder, prefix, depth = waiting.pop()
        for entry in _entries(folder):
            name, state = prefix + entry.name, _state(entry)
            if stat.S_ISDIR(state.st_mode):
                _require(depth < _DEEPEST, bundle, name, "lies too deep")
                waiting.append((Path(entry.path), f"{name}/", depth + 1))
            elif TEMPORARY.fullmatch(entry.name) is None:
                _require_harmless(bundle, name, state)
                found[name] = state.st_size
            _require(len(found) <= MOST_FILES, bundle, name, f"is one of over {MOST_FILES}")
    _require_no_twins(bundle, found)
    return found


def _require_harmless(bundle: Path, name: str, state: os.stat_result) -> None:
    _require(stat.S_ISREG(state.st_mode), bundle, name, "is a link or no ordinary file")
    plain = len(name) <= LONGEST_NAME and name.isprintable() and "\\" not in name
    _require(plain, bundle, name, "is no name of one of a bundle's files")
    _require(state.st_size <= FILE_LIMIT, bundle, name, f"is larger than {FILE_LIMIT >> 20} MiB")


def _require_no_twins(bundle: Path, names: dict[str, int]) -> None:
    """On many file systems `A` is `a`, and a letter with its accent is one or two."""
    seen: dict[str, str] = {}
    for name in names:
        alike = unicodedata.normalize("NFC", name).casefold()
        _require(alike not in seen, bundle, name, "is there twice but for its case or accents")
        seen[alike] = name


def _entries(folder: Path) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise unreadable(folder / ".", error) from error


def _state(entry: "os.DirEntry[str]") -> os.stat_result:
    try:
        return entry.stat(follow_symlinks=False)
    except OSError as error:
        raise unreadable(Path(entry.path), error) from error


def _require(fits: bool, bundle: Path, name: str, fault: str) -> None:
    if not fits:
        raise UntrustedBundle(
            f"{bundle} is not trusted: {name[:80]!a} in it {fault}.",
            fix="Copy the bundle again from its source.",
        )
