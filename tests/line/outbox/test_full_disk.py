"""A disk that is full or fails: verdicts go on, and nothing is lost."""

import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from awaited import DEADLINE, until
from records_made import record

from slsg_edge.line.outbox import ballast, telling, writer
from slsg_edge.line.outbox import outbox as outbox_module
from slsg_edge.line.outbox.ballast import Ballast

MB = 2**20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("only root may mount a small disk")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path) -> Path:
    """Leaves not a byte."""
    path = place / "other.bin"
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            return path
    raise AssertionError("a disk that is never full")


def sound(folder: Path) -> list[int]:
    """The sequences that the file holds, in order, when it is whole."""
    with closing(sqlite3.connect(folder / "outbox.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = connection.execute("SELECT json_extract(record, '$.sequence') FROM verdicts")
        return [row[0] for row in rows]


def test_a_full_disk_is_told_verdicts_go_on_and_are_stored_in_order_later(
    open_outbox, warnings, small_disk
):
    outbox, told = open_outbox(small_disk / "line"), []
    outbox.subscribe(told.append)
    assert outbox.put(record(1)).wait(DEADLINE)
    other = fill(small_disk)
    last = 1
    while outbox.trouble is None:  # the log has some room left
        last += 1
        outbox.put(record(last, detail="x" * 20_000))
        assert until(lambda last=last: len(told) == last)
    assert "disk is full" in outbox.trouble
    pending = [outbox.put(record(number)) for number in range(last + 1, last + 31)]
    assert until(lambda: len(told) == last + 30)
    assert [one.record.sequence for one in told] == list(range(1, last + 31))
    assert not told[-1].durable
    assert not pending[-1].done()
    assert outbox.after(told[-3].position, 10) == told[-2:]  # sinks may have them
    other.unlink()
    assert all(one.wait(DEADLINE) for one in pending)
    assert outbox.trouble is None or until(lambda: outbox.trouble is None)
    assert len(told) == last + 30  # nobody was told twice
    stored = outbox.after(0, 1000)
    assert [one.record for one in stored] == [one.record for one in told]
    assert [one.position for one in stored] == [one.position for one in told]
    assert outbox.flush(DEADLINE)
    assert [one.state for one in outbox.events()] == ["ok", "failing"]
    assert "warning: The disk is full" in warnings[0]
    assert "note: Verdicts are stored again. None was lost." in warnings[-1]
    outbox.close()
    assert sound(small_disk / "line") == list(range(1, last + 31))


def test_a_line_that_is_killed_while_it_catches_up_owes_no_sink_anything(
    open_outbox, monkeypatch, tmp_path
):
    """What a sink took undurable may be lost, and then the next verdicts get its positions."""
    outbox = open_outbox()
    outbox.register("mes")
    broken = Broken(monkeypatch)
    for number in range(1, 1501):
        outbox.put(record(number))
    assert until(lambda: outbox.trouble and len(outbox.after(0, 2000)) == 1500)
    outbox.advance("mes", 1500)
    broken.mend(times=1)  # one transaction does not hold them all
    assert until(lambda: outbox.after(0, 1)[0].durable)
    kept = tmp_path / "kept"
    shutil.copytree(tmp_path / "line", kept)  # as a kill would leave it
    again = open_outbox(kept)
    assert 0 < again.register("mes") == again.last_position < 1500
    broken.mend()


def test_the_reserve_is_given_up_first_and_made_again(
    open_outbox, warnings, small_disk, monkeypatch
):
    monkeypatch.setattr(outbox_module, "Ballast", lambda path: Ballast(path, MB))
    monkeypatch.setattr(writer, "_BALLAST_EVERY", 0.1)
    outbox = open_outbox(small_disk)
    reserve = small_disk / "outbox.reserve"
    assert until(lambda: reserve.exists() and reserve.stat().st_blocks * 512 == MB)
    other = fill(small_disk)
    number = 0
    while reserve.exists():
        number += 1
        assert outbox.put(record(number, detail="x" * 20_000)).wait(DEADLINE)
    assert outbox.trouble is None
    assert "The last reserve is in use." in warnings[0]
    other.unlink()
    assert until(reserve.exists)
    assert [one.record.sequence for one in outbox.after(0, 1000)] == list(range(1, number + 1))


def test_a_reserve_that_was_begun_and_not_filled_is_filled(tmp_path):
    (tmp_path / "reserve").touch()
    made = Ballast(tmp_path / "reserve", MB)
    assert made.take()
    assert (tmp_path / "reserve").stat().st_size == MB
    assert not made.take()


def test_a_reserve_that_does_not_fit_leaves_nothing(tmp_path, monkeypatch):
    made = Ballast(tmp_path / "reserve", 2**60)
    assert not made.take()
    monkeypatch.setattr(ballast, "_TIMES", 0)
    assert not made.take()
    assert not list(tmp_path.iterdir())


def test_beyond_what_memory_holds_the_newest_are_lost_and_counted(
    open_outbox, warnings, small_disk, monkeypatch
):
    monkeypatch.setattr(telling, "MOST", 10)
    outbox, told = open_outbox(small_disk), []
    outbox.subscribe(told.append)
    outbox.put(record(1)).wait(DEADLINE)
    other = fill(small_disk)
    outbox.put(record(2, detail="x" * 5 * MB))
    assert until(lambda: outbox.trouble)
    for number in range(3, 103):
        outbox.put(record(number))
    assert until(lambda: len(told) == 102)
    other.unlink()
    (small_disk / "outbox.reserve").unlink(missing_ok=True)
    # the one that no disk of this size takes goes on waiting, and none before it is lost
    assert outbox.trouble
    assert len(outbox.after(0, 1000)) < 20


@pytest.mark.parametrize("durable", [True, False])
def test_a_part_gets_one_verdict_also_while_the_disk_takes_none(open_outbox, monkeypatch, durable):
    outbox, told = open_outbox(), []
    outbox.subscribe(told.append)
    if durable:
        outbox.put(record(1), part="a").wait(DEADLINE)
    broken = Broken(monkeypatch)
    assert broken
    if not durable:
        outbox.put(record(1), part="a")
    second = outbox.put(record(2), part="a")
    outbox.put(record(3), part="b")
    assert until(lambda: any(one.record.sequence == 3 for one in told))
    broken.mend()
    assert second.wait(DEADLINE)
    assert second.known
    assert outbox.flush(DEADLINE)
    assert [one.record.sequence for one in told] == [1, 3]
    assert [one.record.sequence for one in outbox.after(0, 9)] == [1, 3]


class Broken:
    """A disk on which no transaction ends, until it is mended. times: so many more do."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real = writer.Store.write
        self.times = 0

        def write(store, batch):
            if not self.times:
                raise sqlite3.OperationalError("disk I/O error")
            self.times -= 1
            return real(store, batch)

        monkeypatch.setattr(writer.Store, "write", write)

    def mend(self, times: int = 10**9) -> None:
        self.times = times


def test_a_disk_that_fails_says_so_in_words(open_outbox, monkeypatch, tmp_path):
    outbox = open_outbox()
    broken = Broken(monkeypatch)
    pending = outbox.put(record(1))
    assert until(lambda: outbox.trouble)
    assert outbox.trouble.startswith(f"Cannot write {tmp_path}/line/outbox.db: disk I/O error.")
    broken.mend()
    assert pending.wait(DEADLINE)


def test_verdicts_go_on_while_the_disk_does_not_answer(open_outbox, warnings, monkeypatch):
    monkeypatch.setattr(telling, "_HANGS", 0.2)
    real, free, hangs = writer.Store.write, threading.Event(), threading.Event()

    def write(store, batch):
        if hangs.is_set():
            free.wait(DEADLINE)
        return real(store, batch)

    monkeypatch.setattr(writer.Store, "write", write)
    outbox, told = open_outbox(), []
    outbox.subscribe(told.append)
    assert outbox.put(record(1), part="a").wait(DEADLINE)
    hangs.set()
    pending = [outbox.put(record(number), part="abcdbef"[number - 1]) for number in range(2, 5)]
    assert until(lambda: len(told) == 4)
    assert outbox.trouble.startswith("The disk does not answer.")
    pending += [outbox.put(record(number), part="abcdbef"[number - 1]) for number in range(5, 8)]
    assert until(lambda: len(told) == 6)  # part b has one already
    assert outbox.after(1, 10) == told[1:]
    hangs.clear()
    free.set()
    assert all(one.wait(DEADLINE) for one in pending)
    assert until(lambda: outbox.trouble is None)
    assert [one.known for one in pending] == [False, False, False, True, False, False]
    assert [one.record.sequence for one in told] == [1, 2, 3, 4, 6, 7]
    assert [(one.position, one.record.sequence) for one in outbox.after(0, 10)] == [
        (one.position, one.record.sequence) for one in told
    ]
    assert [text.partition(":")[0] for text in warnings] == ["warning", "note"]


def test_another_program_that_holds_the_file_does_not_hold_up_verdicts(open_outbox, tmp_path):
    outbox, told = open_outbox(), []
    outbox.subscribe(told.append)
    assert outbox.put(record(1)).wait(DEADLINE)
    with closing(sqlite3.connect(tmp_path / "line" / "outbox.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        pending = outbox.put(record(2))
        assert until(lambda: len(told) == 2)
        assert outbox.trouble
        other.rollback()
    assert pending.wait(DEADLINE)
    assert [one.record.sequence for one in outbox.after(0, 9)] == [1, 2]
