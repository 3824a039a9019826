"""The counts so far and the latest verdict, on one line of the terminal."""

import time
from typing import TYPE_CHECKING

from slsg_edge.line.records import Inspection, Tally

if TYPE_CHECKING:
    from slsg_edge.line.sources.source import FrameSource

_REDRAW = 0.1  # seconds


class LiveLine:
    """The counts so far and the latest verdict, on one line of stderr that is drawn anew."""

    name, essential = "the live line", False

    def __init__(self, source: "FrameSource", tally: Tally) -> None:
        """`tally`: the one that the watch counts with."""
        from rich.console import Console
        from rich.live import Live

        self._source, self._tally = source, tally
        self._drawn = 0.0
        # stdout stays as it is: it may be a pipe, and rich would send its lines to stderr
        self._live = Live(
            console=Console(stderr=True), transient=True, redirect_stdout=False, auto_refresh=False
        )
        self._live.start()

    def write(self, inspection: Inspection) -> None:
        from rich.text import Text

        if time.monotonic() - self._drawn < _REDRAW:
            return
        self._drawn = time.monotonic()
        self._live.update(Text(self._line(inspection), overflow="ellipsis", no_wrap=True))
        self._live.refresh()

    def close(self) -> None:
        self._live.stop()

    def _line(self, inspection: Inspection) -> str:
        record, summary = inspection.record, self._tally.summary(self._source.dropped)
        latest = (
            (record.detail or record.reason)
            if record.score is None
            else f"score {record.score:.3g}"
        )
        parts = (
            f"frame {record.index}: {record.verdict} ({latest})",
            f"{summary.good} good, {summary.anomalous} anomalous, {summary.undecided} undecided",
            f"detect {summary.detect_p50:.1f} ms" if summary.detect_p50 is not None else "",
            f"age {record.age_ms:.0f} ms",
            f"{summary.dropped} dropped" if self._source.live else "",
        )
        return " · ".join(filter(None, parts))
