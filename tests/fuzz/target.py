"""What is fuzzed: bytes in, and a value or a refusal out, within a bounded time."""

import random
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from slsg_edge.errors import SlsgError

SECONDS = 20.0  # no input is worth more, on the busiest machine
_MEMORY = Path("/dev/shm")


@dataclass(frozen=True, slots=True)
class Target:
    """run: takes one input and a folder of its own, and returns or raises one of `refusals`.

    seeds: valid inputs, which are mutated. tokens: what often stands in such inputs.
    mend: makes checksums and lengths of a mutated input right again, so that it gets further.
    """

    name: str
    seeds: Callable[[], Sequence[bytes]]
    run: Callable[[bytes, Path], object]
    tokens: Sequence[bytes] = ()
    mend: Callable[[random.Random, bytes], bytes] | None = None
    refusals: tuple[type[Exception], ...] = (SlsgError,)


class TooSlow(BaseException):
    """An input took longer than any may: no `except Exception` hides it."""


def refused(target: Target, content: bytes, folder: Path) -> bool:
    """Whether it was refused. Whatever else is raised is a defect."""
    with at_most(SECONDS):
        try:
            target.run(content, folder)
        except target.refusals as error:
            said = str(error)
            assert said.strip(), "a refusal says why"
            return True
    return False


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """TooSlow behind it, in the main thread of a system that has such alarms."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def late(_: int, __: FrameType | None) -> None:
        raise TooSlow(f"it took more than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def working_folder() -> Iterator[Path]:
    """In memory where there is such a place: millions of inputs wear no disk."""
    place = _MEMORY if _MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place, prefix="slsg-fuzz-") as made:
        yield Path(made)
