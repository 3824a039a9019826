"""The pictures of one unit of an archive, one at a time, and why one is not there."""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from slsg_edge.archive.units import Unit, is_wanted, shown
from slsg_edge.contracts import Fault, Image
from slsg_edge.images import ImageError, image_from
from slsg_edge.runtime.reasons import described, one_line

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_BLOCK = 512  # bytes: a whole tar file ends with two of zeros
_LARGEST = 2**30  # bytes of one file: more is no photo, and would fill the memory


@dataclass(frozen=True, slots=True)
class Picture:
    """file: below the archive. member: in a tar file, else "". Either an image or a fault."""

    file: str
    member: str = ""
    image: Image | None = None
    fault: Fault | None = None


def pictures_of(
    files: "AbstractFileSystem", root: str, unit: Unit, depth: int | None
) -> Iterator[Picture]:
    """Exactly one for each image; one more where a tar file cannot be read to its end.

    depth: bits that 16-bit files use, as the bundle has it. Never raises for what is in a file.
    """
    if unit.tar:
        yield from _of_tar(files, root, unit.paths[0], depth)
        return
    for path in unit.paths:
        name = shown(root, path)
        try:
            with files.open(path, "rb") as file:
                content = _whole(file, path)
        except Exception as error:  # whatever a store raises, the next file may be read
            yield Picture(name, fault=_unreadable(error))
        else:
            yield _picture(content, name, "", depth)


def _of_tar(
    files: "AbstractFileSystem", root: str, path: str, depth: int | None
) -> Iterator[Picture]:
    """From the beginning to the end, without a look back: a tar file may be larger than memory."""
    name = shown(root, path)
    try:
        with files.open(path, "rb") as file, tarfile.open(fileobj=file, mode="r|*") as tar:
            for member in tar:
                if not is_wanted(member.name):
                    continue
                content = tar.extractfile(member) if member.isreg() else None
                if content is None:
                    yield Picture(name, member.name, fault=_NO_FILE)
                    continue
                yield _picture(_whole(content, member.name), name, member.name, depth)
        if path.lower().endswith(".tar") and files.tail(path, _BLOCK).strip(b"\0"):
            # the library takes a header that is cut off for the end
            yield Picture(name, fault=Fault("unreadable", "the archive ends early"))
    except Exception as error:
        detail = f"the archive cannot be read on: {described(error)}"
        yield Picture(name, fault=Fault("unreadable", one_line(detail)))


_NO_FILE = Fault("unreadable", "it is a link or a device in the archive, and no file")


def _whole(file: IO[bytes], name: str) -> bytes:
    content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ImageError(
            f"{name} is larger than {_LARGEST} bytes.", fix="Take it out.", reason="too_large"
        )
    return content


def _picture(content: bytes, name: str, member: str, depth: int | None) -> Picture:
    try:
        return Picture(name, member, image_from(content, member or name, depth))
    except Exception as error:
        return Picture(name, member, fault=_unreadable(error))


def _unreadable(error: Exception) -> Fault:
    return error.fault if isinstance(error, ImageError) else Fault("unreadable", described(error))
