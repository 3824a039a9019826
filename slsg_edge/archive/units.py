"""What lies in an archive, in pieces that are scored one by one and never twice.

A tar file is a piece, and so are up to a thousand images of one folder. Whatever was scored is
known again by the names, sizes and times of what was read.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from slsg_edge.errors import DatasetError, MissingDependency
from slsg_edge.images import HEAT_SUFFIX, SUFFIXES
from slsg_edge.line.sources.redaction import redacted

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_MOST = 1000  # images of a folder in one unit
_TARS = (".tar", ".tar.gz", ".tgz")
_STAMPS = ("size", "mtime", "LastModified", "ETag", "etag", "md5Hash", "last_modified")


@dataclass(frozen=True, slots=True)
class Unit:
    """identity: of what is in it, as far as a listing tells. tar: its one path is an archive."""

    identity: str
    paths: tuple[str, ...]
    tar: bool = False


def open_archive(address: str) -> "tuple[AbstractFileSystem, str]":
    """The file system of a folder, file or URL, and the path in it.

    MissingDependency without fsspec, or without what its kind of URL needs; DatasetError when
    nothing is there or it does not answer.
    """
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise MissingDependency("fsspec", extra="scale") from error
    try:
        files, root = url_to_fs(address)
        there = files.exists(root)
    except (ImportError, ValueError) as error:
        raise DatasetError(
            f"{redacted(address)} cannot be opened: {error}",
            fix="Install what fsspec names for such an address, as s3fs for s3:// or gcsfs for gs://.",
        ) from error
    except Exception as error:  # each kind of store has errors of its own
        raise _no_answer(address, error) from error
    if not there:
        raise DatasetError(
            f"There is nothing at {redacted(address)}.",
            fix="Give a folder, a tar file, or the URL of one.",
        )
    return files, root


def units_of(files: "AbstractFileSystem", root: str) -> Iterator[Unit]:
    """In the order of their names; a folder is listed only when its turn comes.

    DatasetError when a folder cannot be listed.
    """
    if files.isfile(root):
        yield from _of_folder(root, [(root, files.info(root))])
        return
    try:
        for folder, folders, found in files.walk(root, detail=True, on_error="raise"):
            _in_order(folders)
            named = sorted(
                (PurePosixPath(folder, name).as_posix(), info) for name, info in found.items()
            )
            yield from _of_folder(root, named)
    except OSError as error:
        raise _no_answer(root, error) from error


def _in_order(folders: dict[str, Any]) -> None:
    """`walk` goes on in what is left here: hidden folders are left out."""
    ordered = {name: folders[name] for name in sorted(folders) if not name.startswith(".")}
    folders.clear()
    folders.update(ordered)


def _of_folder(root: str, named: Iterable[tuple[str, Any]]) -> Iterator[Unit]:
    images = []
    for path, info in named:
        if path.lower().endswith(_TARS):
            yield Unit(_identity(root, [(path, info)]), (path,), tar=True)
        elif is_wanted(path):
            images.append((path, info))
    waiting = iter(images)
    while chunk := list(islice(waiting, _MOST)):
        yield Unit(_identity(root, chunk), tuple(path for path, _ in chunk))


def is_wanted(path: str) -> bool:
    """Whether a name is an image's, and no hidden one's and no heat picture of ours."""
    name = PurePosixPath(path).name
    hidden = name.startswith(".") or name.endswith(HEAT_SUFFIX)
    return not hidden and PurePosixPath(name).suffix.lower() in SUFFIXES


def shown(root: str, path: str) -> str:
    """A path as rows name it: below the archive."""
    inside = path.removeprefix(root).lstrip("/")
    return inside or PurePosixPath(path).name


def _identity(root: str, listed: Iterable[tuple[str, Any]]) -> str:
    digest = hashlib.sha256()
    for path, info in listed:
        stamps = [info.get(name) for name in _STAMPS]
        digest.update(f"{shown(root, path)}\0{stamps}\0".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _no_answer(address: str, error: Exception) -> DatasetError:
    said = str(error) or type(error).__name__
    return DatasetError(
        f"{redacted(address)} cannot be read: {said}",
        fix="Check the address, the network and the credentials, and give the command again.",
    )
