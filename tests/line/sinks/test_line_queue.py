"""A full disk, a slow reader, a rotated file: records wait, come in order, and are counted."""

import errno
import json
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from slsg_edge.contracts import Frame, Verdict
from slsg_edge.errors import ConfigError, StorageError
from slsg_edge.line.records import Inspection, record_of
from slsg_edge.line.sinks import line_queue
from slsg_edge.line.sinks.json_lines import JsonLinesFile
from slsg_edge.line.sinks.line_queue import LineQueue
from slsg_edge.line.sinks.sink import ReaderGone


def inspection(index):
    frame = Frame(index, "camera", 1700000000.0, 0.0, np.zeros((4, 4, 3), np.uint8))
    return Inspection(record_of(frame, Verdict("good", 0.1, 0.5), {"detect": 1.0}, "f"), frame)


def indices(path):
    return [json.loads(line)["index"] for line in path.read_text().splitlines()]


@pytest.fixture
def said():
    return []


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(line_queue, "_AT_ONCE", 0.1)
    monkeypatch.setattr(line_queue, "_AGAIN", 0.02)
    monkeypatch.setattr(line_queue, "_STUCK", 0.3)


class Disk:
    """Instead of os.write: takes so many bytes, and then says that it is full."""

    def __init__(self, monkeypatch, room):
        self.room, self._write = room, os.write
        monkeypatch.setattr(line_queue.os, "write", self)

    def __call__(self, descriptor, content):
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        count = self._write(descriptor, content[: self.room])
        self.room -= count
        return count


class Pipe:
    """The end that records go into; `read` gives what came out."""

    path = Path("standard output")

    def __init__(self):
        self.out, self.descriptor = os.pipe()

    def renewed(self, sent):
        return False

    def forget(self, count):
        pass

    def close(self):
        os.close(self.descriptor)


def test_a_full_disk_is_told_once_and_nothing_is_lost_when_there_is_room_again(
    tmp_path, monkeypatch, said
):
    sink = JsonLinesFile(tmp_path / "v.jsonl", said.append)
    disk = Disk(monkeypatch, 500)  # in the middle of the second record
    for index in range(4):
        sink.write(inspection(index))
    assert sink.unwritten == 3
    assert len(said) == 1
    assert said[0].startswith("warning: The disk is full: cannot write ")
    disk.room = 10**6
    sink.drain()
    sink.write(inspection(4))
    sink.close()
    assert sink.unwritten == 0
    assert indices(tmp_path / "v.jsonl") == [0, 1, 2, 3, 4]
    assert [text.partition(":")[0] for text in said] == ["warning", "note"]


def test_no_line_stays_in_part_where_the_disk_stays_full(tmp_path, monkeypatch, said):
    sink = JsonLinesFile(tmp_path / "v.jsonl", said.append)
    Disk(monkeypatch, 500)
    for index in range(3):
        sink.write(inspection(index))
    sink.drain()
    sink.close()
    assert sink.unwritten == 2
    assert indices(tmp_path / "v.jsonl") == [0]


def test_what_waits_is_bounded_and_the_rest_is_counted_as_lost(monkeypatch, said):
    pipe = Pipe()
    box = LineQueue(pipe, said.append, held=30)
    disk = Disk(monkeypatch, 0)
    for index in range(10):
        box.put(b"record %2d\n" % index)  # 10 bytes each
    assert box.unwritten == 10
    disk.room = 1000
    box.drain()
    box.put(b"record 10\n")
    box.close()
    assert box.unwritten == 7
    assert os.read(pipe.out, 1000).split(b"\n")[:-1] == [b"record %2d" % n for n in (0, 1, 2, 10)]
    assert said[-1].endswith("7 are lost.")


def test_a_reader_that_stops_reading_never_holds_up_the_watch(said):
    pipe = Pipe()
    box = LineQueue(pipe, said.append)
    started = time.monotonic()
    for _ in range(300):
        box.put(b"x" * 999 + b"\n")  # a pipe takes 64 KB
    assert time.monotonic() - started < 20
    assert "takes no records" in said[0]
    assert len(said) == 1
    waiting = box.unwritten
    assert waiting > 100
    taken = []
    reader = threading.Thread(
        target=lambda: taken.extend(iter(lambda: os.read(pipe.out, 9999), b""))
    )
    reader.start()
    box.drain()
    box.close()
    reader.join(5)
    assert box.unwritten == 0
    assert b"".join(taken).count(b"\n") == 300


def test_an_ordinary_reader_gets_each_record_before_the_next_frame(said):
    pipe = Pipe()
    box = LineQueue(pipe, said.append)
    for index in range(5):
        box.put(b"%d\n" % index)
        assert os.read(pipe.out, 99) == b"%d\n" % index
    box.close()
    assert not said


def test_a_reader_that_is_gone_ends_the_watch_and_loses_nothing(said):
    pipe = Pipe()
    box = LineQueue(pipe, said.append)
    os.close(pipe.out)
    with pytest.raises(ReaderGone):
        box.put(b"x\n")
    box.close()
    assert (box.unwritten, said) == (0, [])


def test_a_warning_that_fails_is_no_reason_to_end(monkeypatch, tmp_path):
    def broken(_):
        raise OSError("no terminal")

    sink = JsonLinesFile(tmp_path / "v.jsonl", broken)
    Disk(monkeypatch, 0)
    sink.write(inspection(0))
    sink.close()


@pytest.mark.parametrize("copied", [False, True])
def test_a_rotated_file_is_opened_again(tmp_path, said, copied):
    path, old = tmp_path / "v.jsonl", tmp_path / "v.jsonl.1"
    sink = JsonLinesFile(path, said.append)
    sink.write(inspection(0))
    if copied:
        old.write_bytes(path.read_bytes())
        path.write_bytes(b"")
    else:
        path.rename(old)
    sink.write(inspection(1))
    sink.close()
    assert (indices(old), indices(path)) == ([0], [1])
    assert not said


def test_a_record_that_was_begun_in_a_rotated_file_is_whole_in_the_new_one(
    tmp_path, monkeypatch, said
):
    path, old = tmp_path / "v.jsonl", tmp_path / "v.jsonl.1"
    sink = JsonLinesFile(path, said.append)
    disk = Disk(monkeypatch, 500)
    sink.write(inspection(0))
    sink.write(inspection(1))
    path.rename(old)
    disk.room = 10**6
    sink.drain()
    sink.close()
    assert (indices(old), indices(path)) == ([0], [1])


def test_a_folder_that_is_gone_is_told_and_waited_for(tmp_path, said):
    folder = tmp_path / "out"
    folder.mkdir()
    sink = JsonLinesFile(folder / "v.jsonl", said.append)
    folder.rename(tmp_path / "away")
    sink.write(inspection(0))
    assert "Cannot write" in said[0]
    folder.mkdir()
    sink.drain()
    sink.close()
    assert indices(folder / "v.jsonl") == [0]


def test_a_second_watch_on_one_file_is_refused_and_told_by_whom(tmp_path):
    first = JsonLinesFile(tmp_path / "v.jsonl")
    with pytest.raises(ConfigError, match=rf"Another watch( \(process {os.getpid()}\))? writes"):
        JsonLinesFile(tmp_path / "v.jsonl")
    first.close()
    JsonLinesFile(tmp_path / "v.jsonl").close()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.mkdir(), "is a folder"),
        (os.mkfifo, "is a pipe"),
        (lambda path: path.symlink_to("/dev/null"), "is a device"),
        (lambda path: path.write_bytes(b"\x89PNG\r\n"), "holds something else"),
        (lambda path: path.write_text('{\n "format": 1\n}'), "holds something else"),
    ],
)
def test_what_is_no_file_of_records_is_refused_and_stays_as_it_is(tmp_path, make, said):
    path = tmp_path / "output"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(ConfigError, match=said):
        JsonLinesFile(path)
    assert before is None or path.read_bytes() == before


@pytest.mark.parametrize("way", ["manifest.json", "v.jsonl", "deep/v.jsonl", "link"])
def test_nothing_is_written_into_a_bundle(toy_bundle, tmp_path, way):
    (tmp_path / "link").symlink_to(toy_bundle / "manifest.json")
    path = tmp_path / "link" if way == "link" else toy_bundle / way
    before = (toy_bundle / "manifest.json").read_bytes()
    with pytest.raises(StorageError, match="inside the bundle"):
        JsonLinesFile(path)
    assert (toy_bundle / "manifest.json").read_bytes() == before
