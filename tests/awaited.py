"""Waiting for what a thread or another process does, with a deadline that no busy machine meets."""

import time
from collections.abc import Callable

DEADLINE = 30.0


def until(true: Callable[[], object]) -> bool:
    """Whether it came true in time."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.01)
    return bool(true())
