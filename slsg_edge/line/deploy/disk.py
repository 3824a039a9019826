"""Every change that a deployment makes on the disk. Nothing else in this room writes.

So that a power cut between any two of them can be tried: a test stops before or after each.
"""

import os
import shutil
from pathlib import Path
from typing import BinaryIO

from slsg_edge.storage import sync_folder as _sync_folder


def make_folder(folder: Path) -> None:
    folder.mkdir(exist_ok=True)


def append(file: BinaryIO, block: bytes) -> None:
    file.write(block)


def sync_file(file: BinaryIO) -> None:
    """What was written survives a power cut from now on."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Which names are in it survives a power cut from now on."""
    _sync_folder(folder)


def rename(source: Path, target: Path) -> None:
    """At once: whoever looks sees what was there before, or `source`."""
    source.replace(target)


def remove(path: Path) -> None:
    """A file, or a folder with all that is in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
