"""Files that look like images and are not read, and why: nothing is left out without a word."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from slsg_edge.data.names import printable
from slsg_edge.images import SUFFIXES

_PICTURES = frozenset((
    ".avif", ".heic", ".heif", ".gif", ".jxl", ".j2k", ".jpf", ".jpx", ".jpm", ".tga", ".pcx",
    ".ico", ".psd", ".svg", ".eps", ".exr", ".hdr", ".pfm", ".pic", ".pam", ".ras", ".sr", ".raw",
    ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".raf", ".rw2", ".srw", ".dcm", ".npy", ".fits",
))  # fmt: skip
_ARCHIVES = frozenset((".zip", ".tar", ".gz", ".tgz", ".7z", ".rar", ".bz2", ".xz"))
_FILMS = frozenset((
    ".avi", ".m4v", ".mjpeg", ".mjpg", ".mkv", ".mov", ".mp4", ".mpg", ".mpeg", ".webm", ".wmv",
))  # fmt: skip
_STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"II*\0", b"MM\0*", b"RIFF")
_LITTER = frozenset(
    {"__macosx", "@eadir", "$recycle.bin", "system volume information", "thumbs.db", "desktop.ini"}
)
_NAMED = 3  # reasons that a line of text has room for

NOWHERE = "behind a link that leads nowhere: put the file in its place"
UPWARDS = "behind a link to a folder that holds this one: copy what it should show"
NO_FILE = "with no content to read, as a device, a pipe or a socket: take it out"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """`why` reads on after the number of files, as in `3 files in a bundle`."""

    path: Path
    why: str


def is_litter(name: str) -> bool:
    """What systems put into folders, and whatever is hidden: nobody took it for an image."""
    return name.startswith((".", "~$")) or name.casefold() in _LITTER


def file_reason(path: Path) -> str | None:
    """Why a file that is no image here might be thought to be one; None for any other file."""
    ending = path.suffix.lower()
    if ending in _PICTURES:
        return f"called {ending}, which is not read here: save as PNG"
    if ending in _ARCHIVES:
        return "packed into an archive: unpack it"
    if ending in _FILMS:
        return "with a film: save its frames as PNG, or give `watch` the film itself"
    if not ending and _starts_like_an_image(path):
        return "with the content of an image and no ending: add one, as .png"
    return None


def lines_of(left_out: Sequence[LeftOut]) -> tuple[str, ...]:
    """For people: how many files, why, and one of them."""
    return tuple(
        f"left out: {len(paths)} {'file' if len(paths) == 1 else 'files'} {why} "
        f"(as {printable(paths[0])})"
        for why, paths in by_reason(left_out).items()
    )


def by_reason(left_out: Iterable[LeftOut]) -> Mapping[str, Sequence[Path]]:
    """Those that most files share come first."""
    found: dict[str, list[Path]] = {}
    for one in left_out:
        found.setdefault(one.why, []).append(one.path)
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))


def nothing_else(left_out: Sequence[LeftOut]) -> str:
    """For an error that says there are no images: what there is instead, or nothing."""
    lines = lines_of(left_out)[:_NAMED]
    return "".join(f" It has {line.removeprefix('left out: ')}." for line in lines)


def known_endings() -> str:
    return ", ".join(sorted(SUFFIXES))


def _starts_like_an_image(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(8).startswith(_STARTS)
    except OSError:
        return False
