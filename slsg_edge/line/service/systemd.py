"""What systemd is told of a service of Type=notify; nothing where it is no such service."""

import os
import socket
from contextlib import suppress

_SHARE = 2  # tells in each interval of the watchdog


class Notifier:
    """Tells over $NOTIFY_SOCKET; never raises, and never waits."""

    def __init__(self) -> None:
        self._address = _address(os.environ.get("NOTIFY_SOCKET", ""))
        self._watched = _watchdog_seconds()

    @property
    def interval(self) -> float | None:
        """Seconds between two calls of `watchdog`; None where nobody watches."""
        return None if self._address is None else self._watched

    def ready(self) -> None:
        """Every station is warm and gave its golden answers."""
        self._tell("READY=1")

    def watchdog(self) -> None:
        """Only while frames are truly processed: systemd restarts what falls silent."""
        self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        self._tell("STOPPING=1")

    def status(self, text: str) -> None:
        """One line for people, as `systemctl status` shows it."""
        self._tell(f"STATUS={' '.join(text.split())}")

    def _tell(self, text: str) -> None:
        if self._address is None:
            return
        # a manager that is not there is no reason to end
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as telling:
            telling.setblocking(False)
            telling.sendto(text.encode("utf-8", "replace"), self._address)


def _address(given: str) -> str | None:
    """A path, or a name in the abstract space, which is written with @ in the place of NUL."""
    if not given.startswith(("/", "@")) or not hasattr(socket, "AF_UNIX"):
        return None
    return f"\0{given[1:]}" if given.startswith("@") else given


def _watchdog_seconds() -> float | None:
    """None where there is no watchdog, or where it watches another process."""
    watched = os.environ.get("WATCHDOG_PID", str(os.getpid()))
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    if watched != str(os.getpid()) or not microseconds.isdecimal() or int(microseconds) == 0:
        return None
    return int(microseconds) / 1e6 / _SHARE
