"""A line that runs for a measurement, in this process, with what its verdicts said and when."""

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from slsg_edge.line.outbox.entries import Stored
from slsg_edge.line.records import Record
from slsg_edge.line.service.line_service import LineService

QUIET = "[http]\nenabled = false\n[keep]\nrejects = false\n[drift]\nenabled = false\n"
_ENDS = 5.0  # seconds
_LOOK_EVERY = 0.1  # seconds


class Verdicts:
    """Of a line, in order, each with the time when it was on the disk."""

    def __init__(self) -> None:
        self._stored: list[tuple[Record, float]] = []
        self._changed = threading.Condition()

    def told(self, stored: Stored) -> None:
        with self._changed:
            self._stored.append((stored.record, time.monotonic()))
            self._changed.notify_all()

    def wait(
        self, fits: Callable[[Record], bool], timeout: float, after: float = 0.0
    ) -> tuple[Record, float] | None:
        """The first that fits, of those that were on the disk `after`; None in so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._first(fits, after), timeout)
            return self._first(fits, after)

    def some(
        self, fits: Callable[[Record], bool], count: int, timeout: float
    ) -> list[tuple[Record, float]]:
        """The first that fit, so many or as many as came in so many seconds."""
        ends = time.monotonic() + timeout
        while len(found := self._all(fits)) < count and time.monotonic() < ends:
            time.sleep(_LOOK_EVERY)
        return found[:count]

    def _all(self, fits: Callable[[Record], bool]) -> list[tuple[Record, float]]:
        with self._changed:
            return [one for one in self._stored if fits(one[0])]

    def _first(self, fits: Callable[[Record], bool], after: float) -> tuple[Record, float] | None:
        return next((one for one in self._stored if one[1] >= after and fits(one[0])), None)


@contextmanager
def running_line(text: str) -> Iterator[Verdicts]:
    """text: of its `line.toml`, whose paths are absolute."""
    verdicts = Verdicts()
    with tempfile.TemporaryDirectory(prefix="slsg-edge-bench-") as folder:
        path = Path(folder) / "line.toml"
        path.write_text(text)
        service = LineService(path, lambda text: None)
        running = threading.Thread(target=service.run, daemon=True)
        try:
            service.outbox.subscribe(verdicts.told)
            running.start()
            yield verdicts
        finally:
            service.stop()
            running.join(_ENDS)
            service.close()


def station_text(name: str, source: str, bundle: Path, more: str = "") -> str:
    """Its table in `line.toml`."""
    return (
        f'[[station]]\nname = "{name}"\nsource = "{source}"\n'
        f'bundle = "{bundle.resolve()}"\nany_size = true\n{more}'
    )
