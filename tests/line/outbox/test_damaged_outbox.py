"""A file that is damaged, removed, or of somebody else."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from awaited import DEADLINE, until
from records_made import record

from slsg_edge.errors import ConfigError, StorageError
from slsg_edge.line.outbox.outbox import Outbox

MB = 2**20


def sound(folder: Path) -> list[int]:
    """The sequences that the file holds, in order, when it is whole."""
    with closing(sqlite3.connect(folder / "outbox.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = connection.execute("SELECT json_extract(record, '$.sequence') FROM verdicts")
        return [row[0] for row in rows]


@pytest.mark.parametrize("content", [b"", b"no database", bytes(5000), b"SQLite format 3\0" * 400])
def test_a_file_that_is_no_outbox_is_put_aside_and_kept(open_outbox, warnings, tmp_path, content):
    folder = tmp_path / "line"
    folder.mkdir()
    (folder / "outbox.db").write_bytes(content)
    outbox = open_outbox()
    assert outbox.put(record(1)).wait(DEADLINE)
    if content:
        assert (folder / "outbox.damaged-1.db").read_bytes() == content
        assert "was damaged" in warnings[0]
        assert [one.state for one in outbox.events()] == ["damaged"]


def test_a_database_of_another_program_is_put_aside(open_outbox, tmp_path):
    folder = tmp_path / "line"
    folder.mkdir()
    with closing(sqlite3.connect(folder / "outbox.db")) as connection:
        connection.execute("CREATE TABLE verdicts (position INTEGER)")
    assert open_outbox().put(record(1)).wait(DEADLINE)
    assert (folder / "outbox.damaged-1.db").exists()


def test_an_outbox_of_a_newer_version_is_refused_and_left_alone(open_outbox, tmp_path):
    open_outbox().close()
    path = tmp_path / "line" / "outbox.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(ConfigError, match="newer slsg-edge"):
        open_outbox()
    assert path.exists()


def stored(outbox: Outbox, count: int) -> None:
    for number in range(1, count + 1):
        outbox.put(record(number, detail="x" * 300))
    assert outbox.flush(DEADLINE)


def damage(path: Path) -> None:
    """In the middle, where verdicts are."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(os.urandom(3 * 4096))


def test_what_can_be_read_of_a_damaged_outbox_is_taken_over(open_outbox, warnings, tmp_path):
    outbox = open_outbox()
    outbox.register("mqtt")
    stored(outbox, 400)
    outbox.advance("mqtt", 200)
    outbox.close()
    damage(tmp_path / "line" / "outbox.db")
    again = open_outbox()
    assert "was damaged" in warnings[0]
    assert again.last_sequence("left") == 400
    assert again.register("mqtt") == 200
    found = [one.record.sequence for one in again.after(0, 1000)]
    assert len(found) > 100
    assert found == sorted(found)
    assert again.put(record(401)).wait(DEADLINE)
    assert again.after(0, 1000)[-1].position == 401


def test_an_outbox_that_is_damaged_while_the_line_runs_is_put_aside(open_outbox, tmp_path):
    outbox = open_outbox()
    stored(outbox, 400)
    outbox._store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path = tmp_path / "line" / "outbox.db"
    path.write_bytes(path.read_bytes()[:4096] + os.urandom(path.stat().st_size - 4096))
    outbox._reader.close()  # which else has it all in memory
    with pytest.raises(StorageError, match="is damaged"):
        outbox.after(0, 1000)
    assert outbox.put(record(401)).wait(DEADLINE)
    assert until(lambda: (tmp_path / "line" / "outbox.damaged-1.db").exists())
    assert outbox.put(record(402)).wait(DEADLINE)
    assert outbox.after(0, 1000)[-1].record.sequence == 402
    assert outbox.last_sequence("left") == 402


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_is_removed_while_the_line_runs_is_written_anew(
    open_outbox, warnings, tmp_path, replaced
):
    outbox = open_outbox()
    stored(outbox, 20)
    path = tmp_path / "line" / "outbox.db"
    path.unlink()
    if replaced:
        path.write_bytes(b"something else")
    assert outbox.put(record(21)).wait(DEADLINE)
    assert [one.record.sequence for one in outbox.after(0, 99)] == list(range(1, 22))
    assert "was removed while the line ran" in warnings[-1]
    outbox.close()
    assert sound(path.parent) == list(range(1, 22))


def test_a_folder_that_is_removed_is_a_trouble_that_ends_when_it_is_back(open_outbox, tmp_path):
    outbox = open_outbox()
    stored(outbox, 5)
    shutil.rmtree(tmp_path / "line")
    pending = outbox.put(record(6))
    assert until(lambda: outbox.trouble)
    assert not pending.done()
    (tmp_path / "line").mkdir()
    assert pending.wait(DEADLINE)
    assert sound(tmp_path / "line") == [1, 2, 3, 4, 5, 6]


def test_a_folder_that_cannot_be_written_is_refused_in_words(open_outbox, tmp_path):
    (tmp_path / "line").write_text("a file is in the way")
    with pytest.raises(StorageError, match="line"):
        open_outbox()
