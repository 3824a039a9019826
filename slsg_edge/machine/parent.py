"""A child process ends with the process that it works for, however that one ended."""

import os
import threading
import time

_EVERY = 1.0  # seconds


def end_with_parent(parent: int) -> None:
    """Ends this process at once when its parent is not `parent`, and later as soon as it is not.

    parent: `os.getpid()` of whoever started it, taken there. Where a parent that died leaves its
    number to its children, as on Windows, nothing is noticed.
    """
    if os.getppid() != parent:
        os._exit(1)
    threading.Thread(target=_watch, args=(parent,), name="parent", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_EVERY)
    os._exit(1)
