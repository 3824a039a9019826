"""The time that a training is expected to take, by a clock that the tests turn."""

import dataclasses
from datetime import datetime, timedelta

import pytest
import torch
from torch.utils.data import Dataset

from slsg_edge.training.checkpoint import RunFolder
from slsg_edge.training.expected import Forecast, PhaseTimer, duration, time_of_day
from slsg_edge.training.feed import Batch
from slsg_edge.training.loop import Phase, run_phase

NOON = datetime(2026, 12, 1, 12, 0)
QUICKER = "slsg-edge train bottles -o juice-npad.slsg --detector npad"


class Clock:
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def forecast(self, said: list[str], following: int = 0, quicker: str = QUICKER) -> Forecast:
        return Forecast(said.append, quicker, following, clock=lambda: self.seconds, now=self.now)

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds)


def timed(costs: list[float], iterations: int, following: int = 0) -> list[tuple[int, list[str]]]:
    """After which iterations something is said, and what; the last cost goes on."""
    clock = Clock()
    timer = PhaseTimer(clock.forecast([], following), iterations)
    said = []
    for iteration in range(1, iterations + 1):
        clock.seconds += costs[min(iteration, len(costs)) - 1]
        said.append((iteration, timer.after(iteration)))
    return [(iteration, lines) for iteration, lines in said if lines]


def test_the_first_step_does_not_count():
    """It takes a minute, and the others a second: 720 of them are left after the fourth."""
    assert timed([60, 1], 724) == [(4, ["expected: about 12 min (until 12:13)"])]


def test_slow_steps_are_told_after_one():
    ((iteration, (line,)),) = timed([9, 30], 20)
    assert iteration == 2
    assert line == "expected: about 9 min (until 12:09)"


def test_quick_steps_are_measured_for_three_seconds():
    ((iteration, _),) = timed([1, 0.1], 5000)
    assert iteration in (31, 32)


def test_a_phase_that_is_over_says_nothing():
    assert timed([1, 0.1], 20) == []
    assert timed([5, 3], 2) == []


def test_more_than_half_an_hour_names_what_takes_a_minute():
    assert timed([1, 1], 1800)[0][1][1:] == []
    (_, lines), *_ = timed([1, 1], 1806)
    assert lines[1] == f"In about a minute, another detector: {QUICKER}"
    clock = Clock()
    assert len(clock.forecast([], quicker="").lines(1e5)) == 1


@pytest.mark.parametrize(
    ("following", "said"),
    [(0, ")"), (1, ") for this phase; 1 more phase follows,"), (2, "; 2 more follow,")],
)
def test_phases_that_follow_are_counted_and_not_guessed(following, said):
    (_, (line, *_)), *_ = timed([1, 1], 100, following)
    assert said in line
    assert ("follow" in line) == bool(following)


def test_folds_are_told_with_what_this_phase_takes_in_all_of_them():
    clock, said = Clock(), []
    forecast = dataclasses.replace(clock.forecast(said), folds=5)
    assert forecast.lines(60, 120) == [
        "expected: about 60 s (until 12:01); 5 folds do all phases again: about 10 min more for "
        "this one"
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 s"), (40, "40 s"), (700, "12 min"), (5000, "83 min"), (9000, "2.5 h")],
)
def test_durations_are_rounded_as_far_as_they_are_known(seconds, text):
    assert duration(seconds) == text


def test_another_day_has_its_date():
    assert time_of_day(NOON + timedelta(hours=11), NOON) == "23:00"
    assert time_of_day(NOON + timedelta(hours=14), NOON) == "02:00 on 2026-12-02"


class _Nothing(Dataset[Batch]):
    """Batches of zeros; each that is drawn takes so many seconds."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.clock, self.seconds = clock, seconds

    def __getitem__(self, index: int) -> Batch:
        self.clock.seconds += self.seconds
        return torch.zeros(1), torch.zeros(1)


@pytest.mark.parametrize("done", [0, 100])
def test_the_loop_tells_it_once_for_what_is_left(tmp_path, done):
    clock, said = Clock(), []

    def train(iterations: int) -> None:
        phase = Phase("training", iterations, 1, {}, _Nothing(clock, 4.0), lambda _: {})
        run_phase(
            phase,
            RunFolder(tmp_path, "this run"),
            lambda *_: None,
            workers=0,
            resume=True,
            forecast=clock.forecast(said),
        )

    if done:
        train(done)
        said.clear()
    train(902)
    minutes = (900 - done) * 4 / 60
    assert said == [
        f"expected: about {minutes:.0f} min (until 13:00)",
        f"In about a minute, another detector: {QUICKER}",
    ]
