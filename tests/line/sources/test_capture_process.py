"""The process that captures: it is killed when it hangs, and goes when its parent goes."""

import os
import signal
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from slsg_edge.line.sources.captures import Deadlines
from slsg_edge.line.sources.capturing import LiveOptions
from slsg_edge.line.sources.memory import LARGEST, PictureMemory, new_memory
from slsg_edge.line.sources.source import open_source

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def test_pictures_come_back_as_they_were_written():
    memory = PictureMemory(new_memory())
    image = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    assert memory.write(1, image)
    assert np.array_equal(memory.read(1, (4, 5, 3)), image)


def test_a_picture_whose_place_was_taken_is_not_read():
    memory = PictureMemory(new_memory())
    for number in range(1, 5):
        memory.write(number, np.full((2, 2, 3), number, np.uint8))
    assert memory.read(1, (2, 2, 3)) is None
    assert memory.read(4, (2, 2, 3)).max() == 4


def test_a_picture_that_is_being_written_is_not_read():
    memory = PictureMemory(new_memory())
    memory.write(1, np.ones((2, 2, 3), np.uint8))
    memory._numbers[1] = 0  # as while `write` copies
    assert memory.read(1, (2, 2, 3)) is None


def test_a_picture_that_is_larger_than_its_place_is_refused():
    memory = PictureMemory(new_memory())
    huge = np.broadcast_to(np.uint8(0), (LARGEST // 3 + 1, 1, 3))
    assert not memory.write(1, huge)


def test_a_read_that_never_returns_is_a_fault_and_ends_at_once(tmp_path):
    fifo = tmp_path / "camera.mjpeg"
    os.mkfifo(fifo)
    options = LiveOptions(stall=0.3, deadlines=Deadlines(open=0.3, read=0.3))
    with open_source(fifo, options) as source:
        frames = iter(source)
        assert next(frames).fault.reason == "no_frame"
        assert told(frames, "capturing starts anew")
        started = time.monotonic()
    assert time.monotonic() - started < 20


def told(frames, text):
    """Whether one of the next frames has a fault that says so."""
    return any(frame.fault and text in frame.fault.detail for frame in islice(frames, 500))


def of_this(process_id):
    """The processes that this one started."""
    children = Path(f"/proc/{process_id}/task/{process_id}/children").read_text()
    return [int(child) for child in children.split()]


def is_there(process_id):
    """Whether it runs; one that has ended and that nobody asked for does not."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@linux
def test_it_goes_when_its_parent_is_killed(camera):
    code = (
        "import sys\nfrom slsg_edge.line.sources.source import open_source\n"
        "for frame in open_source(sys.argv[1]):\n    print(frame.index, flush=True)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code, camera.url]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    try:
        assert parent.stdout.readline()
        (child,) = of_this(parent.pid)
        command_line = Path(f"/proc/{child}/cmdline").read_text()
    finally:
        parent.kill()
        parent.communicate()
    assert "secret" not in command_line
    for _ in range(100):
        if not is_there(child):
            return
        time.sleep(0.02)
    raise AssertionError("the capturing process outlived its parent")


@linux
@pytest.mark.parametrize(
    ("end", "why"),
    [(signal.SIGKILL, "the capturing process ended"), (signal.SIGSTOP, "nothing came for")],
)
def test_it_goes_when_the_source_is_closed_and_starts_anew_when_it_dies(camera, end, why):
    before = set(of_this(os.getpid()))
    with open_source(camera.url) as source:
        frames = iter(source)
        next(frames)
        (child,) = set(of_this(os.getpid())) - before
        os.kill(child, end)
        assert told(frames, why)
        assert next(frame for frame in frames if frame.image is not None)
    assert set(of_this(os.getpid())) <= before
