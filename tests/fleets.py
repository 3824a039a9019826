"""A repository of toy bundles, and lines that pull from it."""

import shutil
import threading
from datetime import timedelta
from pathlib import Path

from lines import line_file, station

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.line.fleet.publishing import new_repository, publish
from slsg_edge.line.fleet.updating import pull
from slsg_edge.line.settings.reading import read_line

MONTH = timedelta(days=30)


class Published:
    """A repository with its keys, and how line PCs begin to trust it."""

    def __init__(self, folder: Path) -> None:
        self.place, self.keys = folder / "repo", folder / "keys"
        made = new_repository(self.place, self.keys, MONTH)
        self.root = Path(shutil.copy(made, folder / "root.json"))  # carried by hand

    def publish(self, bundle: Path, product: str = "base", fresh: timedelta = MONTH) -> str:
        return publish(self.place, self.keys, open_bundle(bundle), "stable", product, fresh)


def update(repository: object, root: object, more: str = "") -> str:
    return (
        f'[update]\nrepository = "{repository}"\nroot = "{root}"\nfirst_frames = 10\n'
        f"every_minutes = 0.05\n{more}\n"
    )


def line_of(folder: Path, bundle: Path, *parts: str, name: str = "line") -> Path:
    folder.mkdir(exist_ok=True)
    path = line_file(folder, station("a", bundle, "test:32x32@10"), *parts)
    path.write_text(f'name = "{name}"\n{path.read_text()}')
    return path


def _nothing(text: str) -> None:
    """What the process would say goes into its log."""


class InThread:
    """As `subprocess.Popen` of `slsg-edge fleet pull`, in a thread of this process."""

    def __init__(self, command, _: object) -> None:
        words = list(command)
        path = Path(words[words.index("pull") + 1])
        self.returncode = 0
        self._thread = threading.Thread(
            target=lambda: pull(read_line(path), _nothing, signed="--signed" in words), daemon=True
        )
        self._thread.start()

    def poll(self) -> int | None:
        return None if self._thread.is_alive() else self.returncode

    def wait(self, timeout: float | None = None) -> int:
        self._thread.join(timeout)
        return self.returncode

    def terminate(self) -> None: ...

    kill = terminate
