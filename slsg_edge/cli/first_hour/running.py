"""Runs a command of `slsg-edge` as a person would: in a process of its own, to its end."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from slsg_edge.contracts import Json

PATIENCE = 120  # seconds that a command may take to write its checkpoint after Ctrl-C


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that came to its end.

    result: the JSON object that it printed; None where it printed text.
    error: the sentence about what went wrong and its cure, empty where there is none in the log.
    """

    exit_code: int
    seconds: float
    result: dict[str, Json] | None
    error: str = ""
    fix: str = ""


def run(words: Sequence[str], log: Path, *, show: bool) -> Ran:
    """Runs `slsg-edge` with `words`; what it prints is appended to `log`.

    show: its progress and errors go to this terminal, not to the log. Ctrl-C and SIGTERM are handed
    on to it once, so that it can write its checkpoint; then KeyboardInterrupt goes on.
    """
    started = time.monotonic()
    with log.open("a", encoding="utf-8") as file:
        file.write(f"$ slsg-edge {' '.join(words)}\n")
        file.flush()
        begun = file.tell()
        printed, exit_code = _output(words, None if show else file)
        file.write(printed)
    said = log.read_bytes()[begun:].decode("utf-8", "replace") if exit_code else ""
    return Ran(exit_code, time.monotonic() - started, _result(printed), *error_in(said))


def error_in(said: str) -> tuple[str, str]:
    """The last error that a command told, as what is wrong and what to do; each may be empty."""
    _, found, error = f"\n{said}".rpartition("\nerror: ")
    what, _, fix = error.strip().partition("\n  next: ")
    return (what, fix) if found else ("", "")


def _output(words: Sequence[str], errors: IO[str] | None) -> tuple[str, int]:
    # a session of its own: Ctrl-C on the terminal reaches it through us alone, and once
    process = subprocess.Popen(
        [sys.executable, "-m", "slsg_edge", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        errors="backslashreplace",
        start_new_session=True,
    )
    try:
        printed, _ = process.communicate()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
        raise
    return printed, process.returncode


def _result(printed: str) -> dict[str, Json] | None:
    try:
        result = json.loads(printed)
    except ValueError:
        return None
    return result if isinstance(result, dict) else None
