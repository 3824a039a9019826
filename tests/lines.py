"""Lines to try: their file, and a service that runs in a thread."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from slsg_edge.line.service.line_service import LineService

QUIET = "[http]\nenabled = false\n[drift]\nenabled = false\n"
PATIENCE = 90.0  # seconds: the machine may be busy


TEST = "test:32x32@50"


def station(name: str, bundle: Path, source: str = TEST, more: str = "") -> str:
    return (
        f'[[station]]\nname = "{name}"\nsource = "{source}"\nbundle = "{bundle}"\n'
        f"any_size = true\n{more}\n"
    )


def line_file(folder: Path, *parts: str) -> Path:
    """`line.toml` in the folder, whose data go beside it."""
    path = folder / "line.toml"
    path.write_text(QUIET + "\n".join(parts))
    return path


@contextmanager
def running(path: Path, said: list[str] | None = None) -> Iterator[LineService]:
    """A service until the block ends; whatever ended it otherwise is raised there."""
    said = [] if said is None else said
    service = LineService(path, said.append)
    ended: list[object] = []

    def run() -> None:
        try:
            ended.append(service.run())
        except Exception as error:
            ended.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        service.stop()
        thread.join(PATIENCE)
        service.close()
    if ended and isinstance(ended[0], Exception):
        raise ended[0]


def until(what: Callable[[], object]) -> None:
    """Waits for it; fails where it does not come."""
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def verdicts(service: LineService, name: str) -> list:
    return [stored.record for stored in service.outbox.after(0, 100_000, (name,))]


def reaches(service: LineService, name: str, count: int) -> None:
    until(lambda: len(verdicts(service, name)) >= count)


def comes_to(service: LineService, state: str, name: str = "a") -> None:
    """Until the station is in that state."""
    until(
        lambda: any(
            (each.name, each.state) == (name, state) for each in service.stations.statuses()
        )
    )


def dark_and_light(folder: Path) -> Path:
    """Pictures that the toy finds good and anomalous, in this order."""
    folder.mkdir()
    for index, level in enumerate((40, 220, 60)):
        picture = np.full((32, 32, 3), level, np.uint8)
        picture[::2] += 9
        cv2.imwrite(str(folder / f"{index}.png"), picture)
    return folder
