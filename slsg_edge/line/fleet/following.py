"""A line's part in its fleet while it runs: reports, and a look for new bundles when one is due.

The look is a process of its own, of low priority: what it downloads, unpacks and tries is nothing
that the line waits for.
"""

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from slsg_edge.line.fleet.pulling import FOLDER, Pull, last_pull
from slsg_edge.line.fleet.reports import Report
from slsg_edge.line.fleet.updating import new_in
from slsg_edge.line.fleet.voice import Voice
from slsg_edge.line.settings.line import LineSettings

_LOOK = 1.0  # seconds between two looks at the drop folder
_LAST = 2.0  # seconds for a look that is ended with the line
_TIME = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")


class Following:
    """`look` is called by the thread that looks after the line."""

    def __init__(
        self, path: Path, settings: LineSettings, tell: Callable[[str, str], None]
    ) -> None:
        """ConfigError for a broker whose settings cannot work. tell: state and text of an event."""
        self._path, self._settings, self._tell = path, settings, tell
        self._asked = threading.Event()
        asked = self._asked if settings.update.mqtt else None
        self._voices = [Voice(each, settings.name, asked) for each in settings.mqtt]
        self._process: subprocess.Popen[bytes] | None = None
        self._pulled = self._looked = float("-inf")
        self.last: Pull | None = last_pull(settings.folder)

    def look(self, reports: Callable[[], Iterable[Report]]) -> None:
        if self._process is not None:
            self._finish(self._process)
        elif self._asked.is_set():
            self._asked.clear()
            self._begin("--signed")
        elif self._due() or self._dropped():
            self._begin()
        due = [voice for voice in self._voices if voice.due]
        told = list(reports()) if due else []
        for voice in due:
            with suppress(ValueError, OSError):  # nobody reads, or it is too much
                voice.say(told)

    def close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(_LAST)
            process.kill()
            process.wait()
        for voice in self._voices:
            voice.close()
        self._voices.clear()

    def _due(self) -> bool:
        update = self._settings.update
        late = time.monotonic() - self._pulled >= update.every_minutes * 60
        return bool(update.repository) and late and within(update.window, datetime.now())

    def _dropped(self) -> bool:
        now = time.monotonic()
        if self._settings.update.drop is None or now - self._looked < _LOOK:
            return False
        self._looked = now
        return bool(new_in(self._settings))

    def _begin(self, *more: str) -> None:
        self._pulled = time.monotonic()
        command = [sys.executable, "-m", "slsg_edge", "fleet", "pull", str(self._path), *more]
        folder = self._settings.folder / FOLDER
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / "pull.log").open("wb") as log:
                self._process = begun(command, log)
        except OSError as error:
            self._tell("trouble", f"no look for new bundles: {error}")

    def _finish(self, process: "subprocess.Popen[bytes]") -> None:
        if process.poll() is None:
            return
        self._process, before = None, self.last
        self.last = last_pull(self._settings.folder)
        if process.returncode not in (0, 1) and self.last == before:
            self._tell("trouble", f"the look for new bundles ended with {process.returncode}")
        elif self.last is not None and (before is None or self.last.said != before.said):
            self._tell(self.last.state, self.last.said)


def begun(command: Sequence[str], log: BinaryIO) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)


def within(window: str, now: datetime) -> bool:
    """Whether a time of the day is in a window; one may go over midnight, an empty one is all."""
    found = _TIME.fullmatch(window)
    if found is None:
        return True
    hours = [int(each) for each in found.groups()]
    begin, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    minute = now.hour * 60 + now.minute
    return begin <= minute < end if begin <= end else minute >= begin or minute < end
