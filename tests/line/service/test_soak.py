"""Twenty thousand frames: nothing grows."""

import gc
import os
import threading
import time
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from lines import line_file, running, station, until

from slsg_edge.contracts import Frame
from slsg_edge.line.service import station as module

FRAMES, BEFORE = 20_000, 4_000


class Rush:
    """Frames as fast as they are taken."""

    live, dropped = True, 0

    def __init__(self):
        self._stop = threading.Event()
        self._picture = np.full((32, 32, 3), 40, np.uint8)
        self._picture[::2] += 9

    def __iter__(self):
        for index in count():
            if self._stop.is_set():
                return
            yield Frame(index, "rush", time.time(), time.monotonic(), image=self._picture)

    def close(self):
        self._stop.set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def size():
    """Megabytes that are resident."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.slow
def test_memory_descriptors_and_threads_stay_as_they_were(toy_bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "open_source", lambda *_, **__: Rush())
    path = line_file(tmp_path, station("a", toy_bundle))
    with running(path) as service:

        def measured():
            gc.collect()
            return size(), len(list(Path("/proc/self/fd").iterdir())), threading.active_count()

        until(lambda: service.outbox.last_position > BEFORE)
        before = measured()
        end = time.monotonic() + 300
        while service.outbox.last_position < FRAMES:
            assert time.monotonic() < end
            time.sleep(0.2)
        after = measured()
    assert after[1:] == before[1:]
    assert after[0] < before[0] + 12, f"{before[0]:.0f} MB, then {after[0]:.0f} MB"
