"""What is stored, in which order, and what is known of it later."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from records_made import record

from slsg_edge.errors import ConfigError
from slsg_edge.line.outbox.entries import Stored
from slsg_edge.line.outbox.outbox import Outbox
from slsg_edge.line.records import new_id

DEADLINE = 20.0


def test_a_verdict_that_was_confirmed_is_there_after_a_restart(open_outbox):
    outbox = open_outbox()
    put = record(7, drift=("brightness",))
    pending = outbox.put(put)
    assert pending.wait(DEADLINE)
    assert not pending.known
    assert pending.stored_monotonic <= time.monotonic()
    outbox.close()
    again = open_outbox()
    assert again.after(0, 10) == [Stored(1, put)]
    assert again.find(put.id) == Stored(1, put)
    assert again.last_sequence("left") == 7
    assert again.last_sequence("right") == 0


def test_a_commit_is_on_the_disk_also_after_a_power_cut(open_outbox):
    """Which no test can make; SQLite promises it with these."""
    connection = open_outbox()._store._connection
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_subscribers_are_told_in_order_after_the_disk_has_it(open_outbox):
    outbox, told = open_outbox(), []
    outbox.subscribe(lambda stored: told.append((stored, outbox.find(stored.record.id))))
    outbox.subscribe(lambda stored: 1 / 0)  # one that fails is no trouble of the others
    records = [record(number) for number in range(1, 30)]
    pending = [outbox.put(one) for one in records]
    assert all(one.wait(DEADLINE) for one in pending)
    outbox.close()
    assert [stored.record for stored, _ in told] == records
    assert all(stored == found and stored.durable for stored, found in told)


def test_verdicts_of_many_threads_are_all_stored_each_stations_in_order(open_outbox):
    outbox = open_outbox()

    def put(station: str) -> None:
        for number in range(1, 101):
            outbox.put(record(number, station))

    threads = [threading.Thread(target=put, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outbox.flush(DEADLINE)
    found = outbox.after(0, 1000)
    assert [stored.position for stored in found] == list(range(1, 401))
    for name in "abcd":
        of_one = [one.record.sequence for one in outbox.after(0, 1000, [name])]
        assert of_one == list(range(1, 101))


@pytest.mark.parametrize("restarted", [False, True])
def test_a_part_gets_one_verdict_only(open_outbox, restarted):
    outbox = open_outbox()
    assert not outbox.seen("left", "a.png")
    outbox.put(record(1), part="a.png")
    assert outbox.seen("left", "a.png")
    assert outbox.flush(DEADLINE)
    if restarted:
        outbox.close()
        outbox = open_outbox()
    assert outbox.seen("left", "a.png")
    second = outbox.put(record(2), part="a.png")
    other = outbox.put(record(2, "right"), part="a.png")  # another camera sees it too
    assert second.wait(DEADLINE)
    assert other.wait(DEADLINE)
    assert (second.known, other.known) == (True, False)
    assert [one.record.station for one in outbox.after(0, 10)] == ["left", "right"]


def test_a_part_stays_known_when_its_verdict_is_pruned(open_outbox):
    outbox = open_outbox()
    outbox.put(record(1), part="a.png").wait(DEADLINE)
    assert outbox.prune(before=4e9) == 1
    assert outbox.seen("left", "a.png")
    assert outbox.put(record(2), part="a.png").wait(DEADLINE)
    assert outbox.after(0, 10) == []


def test_what_json_does_not_know_does_not_hold_up_the_others(open_outbox):
    outbox = open_outbox()
    odd = record(1, latency_ms={"detect": float("nan"), "judge": 1.0}, detail="\udc80")
    outbox.put(odd)
    outbox.event("source", "left", "lost", "caf\udce9 is gone")
    outbox.put(record(2))
    assert outbox.flush(DEADLINE)
    first, second = outbox.after(0, 10)
    assert first.record.latency_ms == {"detect": None, "judge": 1.0}
    assert second.record.sequence == 2


def test_order_is_that_of_storing_whatever_the_clock_says(open_outbox, monkeypatch):
    outbox = open_outbox()
    for hour in (12, 11, 13):
        monkeypatch.setattr(time, "time", lambda hour=hour: 1_796_000_000.0 + 3600 * hour)
        at = f"2026-11-30T{hour}:00:00.000+00:00"
        outbox.put(record(hour, captured_at=at, id=new_id()))
        outbox.event("clock", "", "jumped", f"It is {hour}.")
    assert outbox.flush(DEADLINE)
    assert [one.record.sequence for one in outbox.after(0, 10)] == [12, 11, 13]
    assert [one.text for one in outbox.events()] == ["It is 13.", "It is 11.", "It is 12."]


def test_a_report_gets_the_verdicts_of_its_time_and_station(open_outbox):
    outbox = open_outbox()
    for number in range(1, 1202):
        minute, second = divmod(number, 60)
        at = f"2026-11-30T12:{minute:02}:{second:02}.000+00:00"
        outbox.put(record(number, "left" if number % 2 else "right", captured_at=at))
    assert outbox.flush(DEADLINE)
    noon = 1_796_040_000.0
    all_of_it = outbox.between(noon, noon + 3600)
    assert [one.record.sequence for one in all_of_it] == list(range(1, 1202))
    some = outbox.between(noon + 10, noon + 20, "left")
    assert [one.record.sequence for one in some] == [11, 13, 15, 17, 19]
    assert list(outbox.between(noon - 100, noon)) == []


def test_events_are_newest_first_and_nothing_overwrites_them(open_outbox):
    outbox = open_outbox()
    for number in range(3):
        outbox.event("source", "left", "lost", f"{number}\nline")
    assert outbox.flush(DEADLINE)
    outbox.close()
    events = open_outbox().events(limit=2)
    assert [(one.kind, one.station, one.state, one.text) for one in events] == [
        ("source", "left", "lost", "2 line"),
        ("source", "left", "lost", "1 line"),
    ]


def test_rejects_are_labelled_page_by_page(open_outbox):
    outbox = open_outbox()
    verdicts = ("good", "anomalous", "undecided", "anomalous")
    records = [replace(record(n), verdict=verdict) for n, verdict in enumerate(verdicts)]
    for one in records:
        outbox.put(one)
    assert outbox.flush(DEADLINE)
    newest = outbox.rejects(2)
    assert [one.record for one in newest] == [records[3], records[2]]
    assert [one.record for one in outbox.rejects(2, newest[-1].position)] == [records[1]]
    outbox.label(records[3].id, "bad", "Ann")
    outbox.label(records[2].id, "good", "Ann")
    outbox.label(records[3].id, "good", "Ben")
    outbox.label(records[2].id, None, "Ben")
    outbox.close()
    assert open_outbox().labels() == {records[3].id: "good"}
    with pytest.raises(ConfigError, match="no verdict nobody"):
        outbox.label("nobody", "bad", "Ann")


def test_a_sink_goes_on_where_it_was_and_a_new_one_begins_now(open_outbox):
    outbox = open_outbox()
    assert outbox.register("mqtt") == 0
    for number in range(1, 6):
        outbox.put(record(number))
    assert outbox.flush(DEADLINE)
    outbox.advance("mqtt", 3)
    outbox.advance("mqtt", 2)  # never back
    assert (outbox.position_of("mqtt"), outbox.waiting("mqtt")) == (3, 2)
    assert outbox.waiting("mqtt", ["right"]) == 0
    outbox.close()
    again = open_outbox()
    assert again.register("mqtt") == 3
    assert [one.position for one in again.after(again.position_of("mqtt"), 10)] == [4, 5]
    assert again.register("late") == 5


def test_only_what_every_sink_has_taken_is_pruned(open_outbox):
    outbox = open_outbox()
    outbox.register("mqtt")
    outbox.register("webhook")
    for number in range(1, 1101):
        outbox.put(record(number))
    outbox.put(record(1101, captured_at="2030-01-01T00:00:00.000+00:00"))
    outbox.event("source", "left", "lost", "It is gone.")
    assert outbox.flush(DEADLINE)
    outbox.advance("mqtt", 1101)
    outbox.advance("webhook", 1050)
    assert outbox.prune(before=1_800_000_000.0) == 1050
    assert [one.position for one in outbox.after(0, 2000)] == list(range(1051, 1102))
    outbox.advance("webhook", 1101)
    assert outbox.prune(before=1_800_000_000.0) == 50
    assert outbox.flush(DEADLINE)
    outbox.close()
    again = open_outbox()
    assert again.put(record(1102)).wait(DEADLINE)
    assert [one.position for one in again.after(0, 10)] == [1101, 1102]


def test_positions_go_on_when_everything_was_pruned(open_outbox):
    outbox = open_outbox()
    outbox.put(record(4)).wait(DEADLINE)
    outbox.prune(before=4e9)
    outbox.close()
    again = open_outbox()
    again.put(record(again.last_sequence("left") + 1)).wait(DEADLINE)
    assert [(one.position, one.record.sequence) for one in again.after(0, 9)] == [(2, 5)]


def test_a_second_line_on_one_folder_is_refused_by_name(open_outbox, tmp_path):
    outbox = open_outbox()
    with pytest.raises(ConfigError, match=r"Another line \(process \d+\) .*line"):
        open_outbox()
    outbox.put(record()).wait(DEADLINE)
    outbox.close()
    open_outbox()  # it is free again


def test_closing_twice_and_what_comes_after_it_raises_nothing(
    open_outbox: Callable[..., Outbox],
) -> None:
    outbox = open_outbox()
    outbox.put(record(1))
    outbox.close()
    outbox.close()
    assert not outbox.put(record(2)).wait(0.01)
    outbox.event("stopped", "", "stopped", "It ended.")
    assert len(open_outbox().after(0, 10)) == 1
