"""Progress bars, on stderr so that stdout stays for results."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from rich.progress import Progress

Bars: TypeAlias = Callable[[str, int], AbstractContextManager[Callable[[], None]]]
"""`progress`, or what stands in for it: what is counted, how many, and then a call for each."""


def bar(*notes: str, transient: bool = False) -> "Progress":
    """Name, bar, count, `notes` in rich's format, and the time that is left."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(6 if notes else 40),
        MofNCompleteColumn(),
        *(TextColumn(note) for note in notes),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=transient,
    )


@contextmanager
def aside(shown: "Progress") -> Iterator[None]:
    """Around lines that are printed while a bar is shown: whole, above it, to be copied.

    rich would break a long one where the terminal ends.
    """
    transient, shown.live.transient = shown.live.transient, True
    shown.stop()
    try:
        yield
    finally:
        shown.live.transient = transient
        shown.start()


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[], None]]:
    """A bar for steps that can be counted; advances by one at each call of what it gives."""
    with bar(transient=True) as shown:
        task = shown.add_task(what, total=total)
        yield lambda: shown.advance(task)


@contextmanager
def no_progress(what: str, total: int) -> Iterator[Callable[[], None]]:
    """Nothing is shown."""
    yield lambda: None
