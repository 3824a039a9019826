"""The log of a line, on standard error: one line for each message, without credentials."""

import json
import logging
import os
import re
from datetime import datetime, timezone

from slsg_edge.data.names import printable
from slsg_edge.line.sources.redaction import HIDDEN, redacted

# They say at INFO what each connection and request does.
_TALKATIVE = ("asyncio", "asyncua", "paho", "pymodbus", "uvicorn.access", "uvicorn.error")
_LEVELS = {  # sd-daemon(3): journald takes the level of a line from its beginning
    logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2,
}  # fmt: skip
_SECRET = re.compile(
    r"(?P<name>\b(?:password|passwd|pwd|token|secret|api[_-]?key|authorization)\b['\"]?\s*[=:]\s*"
    r"['\"]?(?:bearer\s+|basic\s+)?|\bbearer\s+)[^\s'\",;]+",
    re.IGNORECASE,
)
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


def configure_logging(json: bool) -> None:
    """Messages of every module to stderr: as text, or each as a JSON object on its line.

    What a caller gives as `extra`, as the station, is a key of that object. Called once more it
    takes the place of the first. A message that nobody takes is lost and stops nothing.
    """
    logging.raiseExceptions = False
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonLines() if json else _Lines(journal="JOURNAL_STREAM" in os.environ))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def without_secrets(text: str) -> str:
    """Addresses without user and password, and no value behind `token=` or `Bearer`."""
    return _SECRET.sub(lambda found: f"{found['name']}{HIDDEN}", redacted(text))


class _Lines(logging.Formatter):
    """The level, then the message; times are journald's where it reads."""

    def __init__(self, journal: bool) -> None:
        super().__init__()
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(f"{self._start(record)}{line}" for line in _texts(self, record))

    def _start(self, record: logging.LogRecord) -> str:
        if self._journal:
            return f"<{_LEVELS.get(record.levelno, 6)}>"
        return f"{_time(record)} {record.levelname.lower()}: "


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        message, *trace = _texts(self, record)
        extra = {
            key: without_secrets(str(value))
            for key, value in vars(record).items()
            if key not in _STANDARD
        }
        line = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message,
            **extra,
        }
        if trace:
            line["trace"] = "\n".join(trace)
        return json.dumps(line)


def _texts(formatter: logging.Formatter, record: logging.LogRecord) -> list[str]:
    """The message on one line, then the lines of a traceback."""
    trace = formatter.formatException(record.exc_info) if record.exc_info else ""
    lines = [_message(record), *trace.splitlines()]
    return [printable(without_secrets(line)) for line in lines]


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # of a library whose words do not fit its values
        return str(record.msg)


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, timezone.utc)
    return moment.isoformat(timespec="milliseconds")
