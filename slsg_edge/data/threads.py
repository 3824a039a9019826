"""The same work on many files, by a few threads.

OpenCV decodes and resizes without holding Python's lock, so threads are enough.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from slsg_edge.images import quiet_opencv
from slsg_edge.machine.host import usable_cores

_THREADS = 8  # more only fight over the disk

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    progress: Callable[[], None] | None = None,
) -> list[Result]:
    """In the order given; `progress` is called once per item, and the first error ends it."""
    threads = min(_THREADS, usable_cores())
    results = []
    with quiet_opencv(), ThreadPoolExecutor(threads) as pool:
        try:
            for result in pool.map(work, items):
                results.append(result)
                if progress:
                    progress()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return results
