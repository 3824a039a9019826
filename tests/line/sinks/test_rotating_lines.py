"""A file of verdicts that begins anew when it is large."""

import errno
import json
import os
from contextlib import closing
from pathlib import Path

import pytest
from records_made import record

from slsg_edge.errors import ConfigError, StorageError
from slsg_edge.line.outbox.entries import Stored
from slsg_edge.line.settings.sinks import JsonLinesSettings
from slsg_edge.line.sinks.rotating_lines import RotatingLines

LARGE = "x" * 400_000


def sequences(path: Path) -> list[int]:
    return [json.loads(line)["sequence"] for line in path.read_text().splitlines()]


def batch(*sequences: int, **others: str) -> list[Stored]:
    return [Stored(number, record(number, **others)) for number in sequences]


def test_lines_are_appended_in_the_folder_of_the_line(tmp_path):
    with closing(RotatingLines(JsonLinesSettings(path=Path("a/v.jsonl")), tmp_path)) as lines:
        lines.take(batch(1, 2))
        assert sequences(tmp_path / "a" / "v.jsonl") == [1, 2]
    with closing(RotatingLines(JsonLinesSettings(path=Path("a/v.jsonl")), tmp_path)) as lines:
        lines.take(batch(3))
    assert sequences(tmp_path / "a" / "v.jsonl") == [1, 2, 3]


@pytest.mark.parametrize(
    ("files", "kept"), [(0, [[9]]), (1, [[9], [7, 8]]), (2, [[9], [7, 8], [5, 6]])]
)
def test_a_large_file_is_put_aside_and_the_oldest_goes(tmp_path, files, kept):
    settings = JsonLinesSettings(path=Path("v.jsonl"), megabytes=1, files=files)
    with closing(RotatingLines(settings, tmp_path)) as lines:
        for number in range(1, 10):
            lines.take(batch(number, detail=LARGE))
    paths = [tmp_path / f"v.jsonl{ending}" for ending in ("", ".1", ".2", ".3")]
    assert [sequences(path) for path in paths if path.exists()] == kept


def test_what_a_killed_process_had_written_is_not_written_twice(tmp_path):
    settings = JsonLinesSettings(path=Path("v.jsonl"), megabytes=1)
    given = batch(*range(1, 6), detail=LARGE)
    with closing(RotatingLines(settings, tmp_path)) as lines:
        for one in given[:4]:
            lines.take([one])
    with closing(RotatingLines(settings, tmp_path)) as lines:
        lines.take(given[1:4])  # the outbox did not know yet that they were taken
        lines.take(given[4:])
        lines.take([])
    assert sequences(tmp_path / "v.jsonl.2") == [1, 2]
    assert sequences(tmp_path / "v.jsonl.1") == [3, 4]
    assert sequences(tmp_path / "v.jsonl") == [5]


def test_a_full_disk_leaves_no_part_of_a_batch(tmp_path, monkeypatch):
    path, write, room = tmp_path / "v.jsonl", os.write, [700]

    def full(descriptor: int, content: bytes) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = write(descriptor, content[: room[0]])
        room[0] -= written
        return written

    with closing(RotatingLines(JsonLinesSettings(path=path), tmp_path)) as lines:
        given = batch(1, 2, 3)
        monkeypatch.setattr(os, "write", full)
        with pytest.raises(StorageError, match="disk is full"):
            lines.take(given)
        assert path.read_bytes() == b""
        monkeypatch.undo()
        lines.take(given)
    assert sequences(path) == [1, 2, 3]


def test_a_file_that_somebody_else_put_aside_is_begun_anew(tmp_path):
    path = tmp_path / "v.jsonl"
    with closing(RotatingLines(JsonLinesSettings(path=path), tmp_path)) as lines:
        lines.take(batch(1))
        path.rename(tmp_path / "old")
        lines.take(batch(2))
    assert (sequences(tmp_path / "old"), sequences(path)) == ([1], [2])


def test_a_file_of_something_else_and_one_of_another_line_are_refused(tmp_path):
    (tmp_path / "notes").write_text("not verdicts\n")
    with pytest.raises(ConfigError, match="something else than verdicts"):
        RotatingLines(JsonLinesSettings(path=Path("notes")), tmp_path)
    settings = JsonLinesSettings(path=Path("v.jsonl"))
    with (
        closing(RotatingLines(settings, tmp_path)),
        pytest.raises(ConfigError, match="Another watch"),
    ):
        RotatingLines(settings, tmp_path)


def test_a_place_that_cannot_be_written_yet_is_tried_again(tmp_path):
    (tmp_path / "a").write_text("a file is in the way")
    with closing(RotatingLines(JsonLinesSettings(path=Path("a/v.jsonl")), tmp_path)) as lines:
        with pytest.raises(StorageError, match="a"):
            lines.take(batch(1))
        (tmp_path / "a").unlink()
        lines.take(batch(1))
    assert sequences(tmp_path / "a" / "v.jsonl") == [1]
