"""Whether a page or picture can be written where it is asked for: known before the work is done."""

import os
from pathlib import Path

from slsg_edge.errors import StorageError
from slsg_edge.storage import make_folder


def require_place(path: Path | None) -> None:
    """StorageError when no file can come to `path`; its folder is made. None asks for nothing."""
    if path is None:
        return
    if path.is_dir():
        raise StorageError(f"{path} is a folder.", fix="Give the name of a file in it.")
    make_folder(path.parent)
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise StorageError(
            f"Cannot write {path}: nothing may be written into {path.parent.absolute()}.",
            fix="Check the path and its permissions.",
        )
