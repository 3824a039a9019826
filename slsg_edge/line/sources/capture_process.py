"""A capturing process as the watch sees it: its events, its pictures, and how to end it."""

import json
import os
import select
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from slsg_edge.contracts import Image
from slsg_edge.line.sources.capturing import LiveOptions
from slsg_edge.line.sources.connecting import Address
from slsg_edge.line.sources.memory import PictureMemory, new_memory

_START = (
    "import sys, json; sys.path[:] = json.loads(sys.stdin.readline()); "
    "from slsg_edge.line.sources.capture_child import main; main()"
)
_CHUNK = 1 << 16


class CaptureProcess:
    """Started at once; dies with this process, however this one ends."""

    def __init__(self, address: Address, options: LiveOptions) -> None:
        memory = new_memory()
        self._memory = PictureMemory(memory)
        self._pipe, theirs = os.pipe()
        self._begun = b""
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,  # libraries print addresses
            pass_fds=(memory, theirs),
            start_new_session=True,
        )
        os.close(theirs)
        os.close(memory)
        self._tell(address, options, theirs, memory)

    def events(self, timeout: float) -> list[dict[str, Any]] | None:
        """What came, nothing when nothing came in time; None when the process has ended."""
        if not select.select([self._pipe], [], [], timeout)[0]:
            return []
        came = os.read(self._pipe, _CHUNK)
        if not came:
            return None
        *lines, self._begun = (self._begun + came).split(b"\n")
        return [json.loads(line) for line in lines]

    def picture(self, number: int, shape: tuple[int, ...]) -> Image | None:
        return self._memory.read(number, shape)

    def kill(self) -> None:
        """At once, whatever it hangs in; any thread may."""
        self._process.kill()

    def close(self) -> None:
        self.kill()
        with suppress(OSError, subprocess.TimeoutExpired):
            self._process.communicate(timeout=1)
        os.close(self._pipe)

    def _tell(self, address: Address, options: LiveOptions, pipe: int, memory: int) -> None:
        settings = asdict(options)
        task = {
            "address": asdict(address),
            "deadlines": settings.pop("deadlines"),
            "options": settings,
            "pipe": pipe,
            "memory": memory,
        }
        assert self._process.stdin
        with suppress(OSError):  # it has ended already, which its events say
            self._process.stdin.write(f"{json.dumps(sys.path)}\n{json.dumps(task)}\n".encode())
            self._process.stdin.flush()
