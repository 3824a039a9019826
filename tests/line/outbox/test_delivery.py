"""Each sink gets its verdicts in order, and fails alone."""

import threading
import time
from collections.abc import Sequence

import pytest
from awaited import DEADLINE, until
from records_made import record

from slsg_edge.line.outbox.delivery import Delivery
from slsg_edge.line.outbox.entries import Stored


class Taking:
    """A journal that takes all, unless `fails` is set."""

    def __init__(self, name: str = "mes", most: int = 10) -> None:
        self.name, self.most = name, most
        self.taken: list[Stored] = []
        self.fails: Exception | None = None
        self.tries: list[float] = []
        self.closed = False

    def take(self, batch: Sequence[Stored]) -> None:
        assert 0 < len(batch) <= self.most
        self.tries.append(time.monotonic())
        if self.fails:
            raise self.fails
        self.taken += batch

    def close(self) -> None:
        self.closed = True

    @property
    def sequences(self) -> list[int]:
        return [stored.record.sequence for stored in self.taken]


class Showing:
    """A display, and what it shows."""

    name = "plc"

    def __init__(self) -> None:
        self.shown: list[Stored] = []
        self.beats = 0
        self.fails: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()

    def show(self, stored: Stored) -> None:
        self.gate.wait(DEADLINE)
        if self.fails:
            raise self.fails
        self.shown.append(stored)

    def beat(self) -> None:
        self.beats += 1

    def close(self) -> None:
        self.gate.set()


@pytest.fixture
def outbox(open_outbox):
    return open_outbox()


@pytest.fixture
def delivery(outbox, warnings):
    made = Delivery(outbox, warnings.append)
    yield made
    made.close()


def test_a_journal_gets_all_of_its_stations_in_order(outbox, delivery):
    everything, left = Taking("all"), Taking("left", most=3)
    delivery.add_journal(everything, "webhook", None)
    delivery.add_journal(left, "mqtt", ["left"])
    for number in range(1, 41):
        outbox.put(record(number, "left" if number % 2 else "right"))
    assert until(lambda: len(everything.taken) == 40 and len(left.taken) == 20)
    assert everything.sequences == list(range(1, 41))
    assert left.sequences == list(range(1, 41, 2))
    assert until(lambda: all(one.waiting == 0 for one in delivery.statuses()))
    assert [(one.name, one.kind, one.taken) for one in delivery.statuses()] == [
        ("all", "webhook", 40),
        ("left", "mqtt", 20),
    ]


def test_one_that_fails_holds_up_no_other_and_gets_all_when_it_takes_again(
    outbox, delivery, warnings
):
    broken, well = Taking("broken"), Taking("well")
    broken.fails = OSError("http://user:secret@mes/verdicts does not answer")
    delivery.add_journal(broken, "webhook", None)
    delivery.add_journal(well, "mqtt", None)
    for number in range(1, 26):
        outbox.put(record(number))
    assert until(lambda: len(well.taken) == 25 and len(broken.tries) >= 3)
    status = delivery.statuses()[0]
    assert status.trouble
    assert "secret" not in status.trouble + "".join(warnings)
    assert (status.waiting, status.taken) == (25, 0)
    assert status.failures >= 3
    gaps = [after - before for before, after in zip(broken.tries, broken.tries[1:], strict=False)]
    assert gaps[0] >= 0.2
    assert gaps[1] >= 0.4
    broken.fails = None
    assert until(lambda: broken.sequences == list(range(1, 26)))
    assert until(lambda: delivery.statuses()[0].trouble is None)
    assert outbox.flush(DEADLINE)
    states = [event.state for event in outbox.events() if event.kind == "sink"]
    assert states == ["ok", "failing"]  # newest first, and each once
    assert len([text for text in warnings if "broken" in text]) == 2


def test_what_was_not_taken_before_a_restart_is_taken_after_it(open_outbox, warnings):
    outbox = open_outbox()
    delivery, down = Delivery(outbox, warnings.append), Taking()
    down.fails = OSError("nobody is there")
    delivery.add_journal(down, "mqtt", None)
    for number in range(1, 6):
        outbox.put(record(number))
    assert until(lambda: down.tries)
    delivery.close()
    outbox.close()
    again = open_outbox()
    delivery, up = Delivery(again, warnings.append), Taking()
    delivery.add_journal(up, "mqtt", None)
    again.put(record(6))
    assert until(lambda: len(up.taken) == 6)
    assert up.sequences == [1, 2, 3, 4, 5, 6]
    delivery.close()
    again.close()
    third = open_outbox()
    assert third.register("mes") == 6


def test_a_display_shows_the_newest_of_each_station(outbox, delivery):
    display = Showing()
    display.gate.clear()
    delivery.add_display(display, "modbus", None)
    for number in range(1, 21):
        outbox.put(record(number, "left"))
        outbox.put(record(number, "right"))
    assert outbox.flush(DEADLINE)
    display.gate.set()
    delivery.drain(DEADLINE)
    newest = {one.record.station: one.record.sequence for one in display.shown}
    assert newest == {"left": 20, "right": 20}
    assert len(display.shown) < 40
    positions = [one.position for one in display.shown]
    assert positions == sorted(positions)


def test_a_display_that_failed_shows_the_newest_when_it_can(outbox, delivery):
    display = Showing()
    display.fails = OSError("no connection")
    delivery.add_display(display, "modbus", ["left"])
    for number in range(1, 4):
        outbox.put(record(number))
        outbox.put(record(number, "right"))
    assert until(lambda: delivery.statuses()[0].trouble)
    display.fails = None
    assert until(lambda: display.shown)
    delivery.drain(DEADLINE)
    assert display.shown[-1].record.sequence == 3
    assert {one.record.station for one in display.shown} == {"left"}
    assert delivery.statuses()[0].trouble is None


def test_the_heart_beats_while_the_line_is_alive_even_where_a_display_hangs(outbox, delivery):
    display, alive = Showing(), True
    delivery.alive = lambda: alive
    delivery.add_display(display, "modbus", None)
    display.gate.clear()
    outbox.put(record())
    assert until(lambda: display.beats >= 4)
    alive = False
    time.sleep(0.1)  # one that had begun may end
    before = display.beats
    time.sleep(0.8)
    assert display.beats == before
    alive = True
    assert until(lambda: display.beats > before)


def test_draining_tries_what_failed_once_more_and_does_not_wait_for_it(outbox, delivery):
    down, up = Taking("down"), Taking("up")
    down.fails = OSError("nobody is there")
    delivery.add_journal(down, "mqtt", None)
    delivery.add_journal(up, "webhook", None)
    outbox.put(record(1))
    assert until(lambda: len(down.tries) >= 4)  # the next try would be 1.6 s away
    tries = len(down.tries)
    delivery.drain(DEADLINE)
    assert len(down.tries) > tries
    assert up.sequences == [1]
    delivery.close()
    assert down.closed
    assert up.closed


def test_closing_does_not_wait_for_one_that_hangs(outbox, warnings):
    class Hanging(Taking):
        def take(self, batch: Sequence[Stored]) -> None:
            hangs.set()
            free.wait(DEADLINE)

    hangs, free = threading.Event(), threading.Event()
    delivery = Delivery(outbox, warnings.append)
    delivery.add_journal(Hanging(), "mqtt", None)
    outbox.put(record(1))
    assert hangs.wait(DEADLINE)
    delivery.close()
    assert not free.is_set()
    free.set()
