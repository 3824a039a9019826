"""How long a phase of training will take, said as soon as its first steps have been measured.

Whoever starts a training of hours by mistake should hear it in its first seconds.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

WARM_UP = 1  # steps: workers start, memory is laid out, kernels are chosen
MEASURED_SECONDS = 3.0  # at least, however many steps: a GPU's first ones are only queued
LONG = 1800.0  # seconds from which a quicker way is worth a line


@dataclass(frozen=True, slots=True)
class Forecast:
    """How a run tells its expected time.

    notify: takes a line for the user.
    quicker: the command of a training that takes about a minute; empty where there is none.
    following: how many phases come after the one that is timed.
    clock, now: seconds that pass, and the time of day.
    folds: how many trainings of all phases come after this one.
    """

    notify: Callable[[str], None]
    quicker: str = ""
    following: int = 0
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = datetime.now
    folds: int = 0

    def lines(self, seconds: float, whole: float = 0.0) -> list[str]:
        """What the user reads when a phase has so many seconds to go, of so many as a whole."""
        now = self.now()
        until = time_of_day(now + timedelta(seconds=seconds), now)
        then = self._after_it() + self._folds(whole)
        told = [f"expected: about {duration(seconds)} (until {until}){then}"]
        if seconds > LONG and self.quicker:
            told.append(f"In about a minute, another detector: {self.quicker}")
        return told

    def _after_it(self) -> str:
        """Phases that follow have not been measured, so there is no more to say of them."""
        if not self.following:
            return ""
        phases = "1 more phase follows" if self.following == 1 else f"{self.following} more follow"
        return f" for this phase; {phases}, with a time of its own"

    def _folds(self, whole: float) -> str:
        """What this phase will take in all of them."""
        if not self.folds:
            return ""
        more = duration(self.folds * whole)
        return f"; {self.folds} folds do all phases again: about {more} more for this one"


@dataclass(slots=True)
class PhaseTimer:
    """Measures the steps of a phase that ends with iteration `last`, and speaks once."""

    forecast: Forecast
    last: int
    steps: int = 0
    started: float = 0.0
    told: bool = False

    def after(self, iteration: int) -> list[str]:
        """To be called after each step; the lines that are due now, mostly none."""
        self.steps += 1
        if self.told or self.steps < WARM_UP or iteration >= self.last:
            return []
        if self.steps == WARM_UP:
            self.started = self.forecast.clock()
            return []
        seconds = self.forecast.clock() - self.started
        if seconds < MEASURED_SECONDS:
            return []
        self.told = True
        step = seconds / (self.steps - WARM_UP)
        return self.forecast.lines((self.last - iteration) * step, self.last * step)


def duration(seconds: float) -> str:
    """Rounded as far as a forecast is worth: 40 s, 12 min, 2.5 h."""
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def time_of_day(moment: datetime, today: datetime) -> str:
    """With the date where it is not today's."""
    same_day = moment.date() == today.date()
    return moment.strftime("%H:%M" if same_day else "%H:%M on %Y-%m-%d")
