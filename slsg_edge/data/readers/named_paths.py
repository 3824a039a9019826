"""The files that a list may name, which may be of foreign origin.

A path says openly where its file is, or it is refused. One from the list's folder on, or one that
begins with that folder, leads to a file that really lies there: neither `..` nor a link leads out.
An absolute path may lead anywhere else, and then its file must be there.
"""

import os
import re
from pathlib import Path

from slsg_edge.data.names import printable
from slsg_edge.data.readers.rows import Row

_SHOWN = 80  # characters of a path in a message
_DRIVE = re.compile(r"[A-Za-z]:/|//[^/]")  # of Windows: C:\parts, \\server\parts


def path_of(row: Row, text: str, folder: Path) -> Path:
    """DatasetError names the line of a path that a list in `folder` must not name."""
    name = text.strip().replace("\\", "/")
    if not name or "\0" in name:
        raise row.error("it names no image", "Give its path in the column 'image'.")
    if os.name != "nt" and _DRIVE.match(name):
        raise row.error(
            f"{printable(text)} is a path of Windows, which leads nowhere here",
            "Give paths from the folder of the list on.",
        )
    try:
        return _found(row, name, folder)
    except (OSError, ValueError, RuntimeError) as error:  # too long, no text, a circle of links
        why = getattr(error, "strerror", None) or "no file can be called so"
        raise row.error(
            f"{printable(name[:_SHOWN])} leads nowhere: {why}", "Check the path."
        ) from error


def _found(row: Row, name: str, folder: Path) -> Path:
    home = Path(os.path.normpath(folder.absolute()))
    path = Path(os.path.normpath(folder / name))
    if path.absolute().is_relative_to(home):
        return _inside(row, name, path, home)
    if not Path(name).is_absolute():
        raise row.error(
            f"{printable(name)} lies outside {printable(folder)}",
            "Give paths inside the folder of the list, or absolute ones.",
        )
    return _elsewhere(row, path, home)


def _inside(row: Row, name: str, path: Path, home: Path) -> Path:
    if not path.resolve().is_relative_to(home.resolve()):
        raise row.error(
            f"{printable(name)} is a link, or lies behind one, that leads out of "
            f"{printable(home)}, to {printable(path.resolve())}",
            "Put the file in its place, or name it where it really is.",
        )
    return path


def _elsewhere(row: Row, path: Path, home: Path) -> Path:
    """An absolute path that is the list's folder by another name is inside after all."""
    if path.resolve().is_relative_to(home.resolve()) or path.is_file():
        return path
    raise row.error(
        f"there is no file {printable(path)}",
        "Check the path, or give paths from the folder of the list on.",
    )
