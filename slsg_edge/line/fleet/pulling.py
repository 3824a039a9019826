"""What a line PC takes from a repository, from a drop folder, and what it notes of that.

Whether a repository says the truth is python-tuf's to tell: roles, ends, numbers that only rise.
The root.json that came by hand says whom to trust.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar
from urllib.parse import urlsplit
from urllib.request import url2pathname

from slsg_edge.bounded import json_from, read_regular
from slsg_edge.config import settings_from_table
from slsg_edge.errors import ConfigError, SlsgError, StorageError, UntrustedBundle
from slsg_edge.line.fleet.publishing import METADATA, TARGETS, target_name
from slsg_edge.line.settings.line import LineSettings, StationSettings
from slsg_edge.line.settings.update import UpdateSettings
from slsg_edge.storage import make_folder, write_atomically

if TYPE_CHECKING:
    from tuf.api.metadata import TargetFile
    from tuf.ngclient.fetcher import FetcherInterface
    from tuf.ngclient.updater import Updater

_Answer = TypeVar("_Answer")

FOLDER, NOTE = "update", "pull.json"  # in the folder of the line
_LIMIT, _BLOCK = 2**20, 2**20  # bytes

PullState: TypeAlias = Literal["current", "taken", "refused", "unreachable", "trouble"]


@dataclass(frozen=True, slots=True)
class Pull:
    """How the last look at the repository ended. said: in a sentence. at: UTC seconds."""

    state: PullState
    said: str
    at: float


@dataclass(frozen=True, slots=True)
class Release:
    """The newest one of a product. fingerprint: as the publisher had it."""

    product: str
    fingerprint: str
    target: "TargetFile"


class Repository:
    """As it was when this was made.

    ConfigError without a root.json, StorageError where it cannot be reached, UntrustedBundle where
    what it says is not signed, has ended, or is older than what was seen before.
    """

    def __init__(self, line: LineSettings) -> None:
        self._update, self._folder = line.update, line.folder / FOLDER
        self._updater = self._opened(_root_of(line.update))
        self._asked(self._updater.refresh)

    def release_for(self, station: StationSettings) -> Release | None:
        """None where this channel has none of the station's product."""
        product = product_of(station)
        name = target_name(self._update.channel, product)
        found = self._asked(lambda: self._updater.get_targetinfo(name))
        if found is None:
            return None
        custom = found.unrecognized_fields.get("custom")
        told = custom.get("fingerprint", "") if isinstance(custom, dict) else ""
        return Release(product, str(told), found)

    def download(self, release: Release) -> Path:
        """The archive, as it was published."""
        target = str(self._folder / TARGETS / f"{release.product}.slsg.zip")
        return Path(self._asked(lambda: self._updater.download_target(release.target, target)))

    def _opened(self, root: bytes) -> "Updater":
        from tuf.ngclient.updater import Updater

        base, fetcher = _address(self._update.repository)
        for name in (METADATA, TARGETS):
            make_folder(self._folder / name)
        return self._asked(
            lambda: Updater(
                str(self._folder / METADATA),
                f"{base}/{METADATA}/",
                str(self._folder / TARGETS),
                f"{base}/{TARGETS}/",
                fetcher,
                bootstrap=root,
            )
        )

    def _asked(self, ask: Callable[[], _Answer]) -> _Answer:
        from tuf.api.exceptions import DownloadError, DownloadLengthMismatchError, RepositoryError

        where = self._update.repository
        try:
            return ask()
        except (RepositoryError, DownloadLengthMismatchError) as error:
            raise UntrustedBundle(
                f"The repository {where} is refused: {_line(error)}.",
                fix="What runs goes on. Ask whoever publishes; it may be a mirror that was "
                "tampered with, or that is no longer renewed.",
            ) from error
        except (DownloadError, OSError) as error:
            raise StorageError(
                f"The repository {where} cannot be reached: {_line(error)}.",
                fix="What runs goes on, and it is tried again later.",
            ) from error


def product_of(station: StationSettings) -> str:
    """By the name of the bundle in line.toml: bottles.slsg is bottles."""
    return station.bundle.stem


def note_pull(line_folder: Path, state: PullState, said: str) -> Pull:
    pull = Pull(state, said, time.time())
    make_folder(line_folder / FOLDER)
    write_atomically(line_folder / FOLDER / NOTE, json.dumps(asdict(pull)).encode())
    return pull


def last_pull(line_folder: Path) -> Pull | None:
    """None where there was none."""
    with suppress(OSError, ValueError, TypeError, SlsgError):
        table = json_from(read_regular(line_folder / FOLDER / NOTE, _LIMIT))
        return settings_from_table(Pull, table, NOTE)
    return None


def _root_of(update: UpdateSettings) -> bytes:
    if update.root is None:
        raise ConfigError(
            "[update] has no `root`, so nobody knows whom to trust.",
            fix="Carry the repository's root.json here by hand and name it.",
        )
    try:
        return read_regular(update.root, _LIMIT)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{update.root} cannot be read: {error}.", fix="Carry root.json here again."
        ) from error


def _address(repository: str) -> "tuple[str, FetcherInterface | None]":
    """None takes python-tuf's own fetcher, which is for http and https."""
    scheme = urlsplit(repository).scheme
    if scheme in ("http", "https"):
        return repository.rstrip("/"), None
    return Path(repository).absolute().as_uri(), _folder_fetcher()


def _folder_fetcher() -> "FetcherInterface":
    from tuf.api.exceptions import DownloadHTTPError
    from tuf.ngclient.fetcher import FetcherInterface

    class FolderFetcher(FetcherInterface):
        """Reads a folder or a share as if it were served."""

        def _fetch(self, url: str) -> Iterator[bytes]:
            path = Path(url2pathname(urlsplit(url).path))
            if path.parent.is_dir() and not path.exists():
                raise DownloadHTTPError(f"there is no {path}", 404)
            return self._blocks(path)

        def _blocks(self, path: Path) -> Iterator[bytes]:
            with path.open("rb") as file:
                while block := file.read(_BLOCK):
                    yield block

    return FolderFetcher()


def _line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).strip().splitlines()[0].rstrip(".")
