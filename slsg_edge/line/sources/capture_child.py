"""The process that captures one camera or stream, so that it can be killed when it hangs.

What to capture comes on its standard input, where no other user of the machine sees it; when that
input ends, so does the process. Pictures go into shared memory, and what happened into a pipe.
"""

import json
import os
import select
import signal
import sys
import threading
from dataclasses import dataclass
from typing import Any

from slsg_edge.contracts import Reason
from slsg_edge.line.sources.captures import Deadlines, Picture
from slsg_edge.line.sources.capturing import Capturing, LiveOptions
from slsg_edge.line.sources.connecting import Address, connector
from slsg_edge.line.sources.memory import PictureMemory

_LONGEST = 1000  # characters: a line is shorter than what a pipe takes at once


def main() -> None:
    """Runs until it is killed or its standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # for the watch, which then ends this
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    task = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    address = Address(**task["address"])
    options = LiveOptions(**task["options"] | {"deadlines": Deadlines(**task["deadlines"])})
    outlet = _Pipe(task["pipe"], PictureMemory(task["memory"]))
    Capturing(connector(address, options), address.origin, options, outlet).run(lambda: False)


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)
    os._exit(0)


@dataclass(slots=True)
class _Pipe:
    """One line of JSON for each event."""

    handle: int
    memory: PictureMemory
    number: int = 0

    def __post_init__(self) -> None:
        os.set_blocking(self.handle, False)

    def opening(self) -> None:
        self._send({"event": "opening"})

    def opened(self, frame_count: int, codec: str) -> None:
        self._send({"event": "opened", "frame_count": frame_count, "codec": codec})

    def wrong(self, why: str) -> None:
        self._send({"event": "wrong", "why": why})

    def skipped(self) -> None:
        self._send({"event": "skipped"}, lossy=True)

    def fault(self, reason: Reason, detail: str) -> None:
        self._send(_fault(reason, detail))

    def picture(self, picture: Picture) -> None:
        stamps = {"at": picture.captured_at, "monotonic": picture.captured_monotonic}
        if picture.fault is not None or picture.image is None:
            fault = picture.fault
            reason, detail = (fault.reason, fault.detail) if fault else ("no_frame", "no picture")
            self._send(_fault(reason, detail) | stamps)
            return
        self.number += 1
        if self.memory.write(self.number, picture.image):
            shape = picture.image.shape
            event = {"event": "picture", "number": self.number, "shape": shape}
            self._send(event | stamps, lossy=True)
        else:
            self._send(_fault("too_large", "the picture is too large") | stamps)

    def _send(self, event: dict[str, Any], *, lossy: bool = False) -> None:
        """A picture that nobody has time to hear of is one that a newer one replaces."""
        line = (json.dumps(event) + "\n").encode()
        while True:
            try:
                os.write(self.handle, line)
                return
            except BlockingIOError:
                if lossy:
                    return
                select.select([], [self.handle], [])


def _fault(reason: Reason, detail: str) -> dict[str, Any]:
    return {"event": "fault", "reason": reason, "detail": detail[:_LONGEST]}


if __name__ == "__main__":
    main()
