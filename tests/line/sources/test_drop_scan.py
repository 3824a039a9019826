"""Which dropped files are done; the time is what the test says it is."""

import itertools
import os

import pytest

from slsg_edge.line.sources import drop_scan
from slsg_edge.line.sources.drop_scan import DropScan


@pytest.fixture
def drop(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    return folder


def test_it_waits_until_a_file_no_longer_changes(drop):
    scan, path = DropScan(drop), drop / "1.png"
    path.write_bytes(b"1")
    assert scan.look(10.0) == []
    path.write_bytes(b"12")
    assert scan.look(10.2) == []
    assert scan.look(10.4) == []
    (found,) = scan.look(10.6)
    assert (found.path, found.marked) == (path, False)
    assert scan.look(10.8) == []
    assert not scan.busy


@pytest.mark.parametrize("mark", ["1.png.done", "1.done"])
def test_a_mark_says_at_once_that_it_is_done(drop, mark):
    scan = DropScan(drop)
    (drop / "1.png").write_bytes(b"1")
    (drop / mark).touch()
    assert [found.marked for found in scan.look(10.0)] == [True]


def test_an_old_mark_says_nothing_of_what_is_written_anew(drop):
    scan = DropScan(drop)
    (drop / "1.png.done").touch()
    (drop / "1.png").write_bytes(b"1")
    os.utime(drop / "1.png.done", (1, 1))
    assert scan.look(10.0) == []


def test_a_renamed_file_is_done_at_once(drop):
    scan, path = DropScan(drop), drop / ".new"
    path.write_bytes(b"1")
    os.utime(path, (1, 1))  # its last byte is old, and its name is not
    path.rename(drop / "1.png")
    assert len(scan.look(10.0)) == 1


def test_the_oldest_comes_first(drop):
    for number, at in ((2, 50), (10, 20), (1, 20)):
        (drop / f"{number}.png").write_bytes(b"1")
        os.utime(drop / f"{number}.png", (at, at))
    names = [found.path.name for found in DropScan(drop).look(10.0)]
    assert names == ["1.png", "10.png", "2.png"]


def test_a_file_that_is_written_anew_in_a_full_folder_is_noticed(drop):
    for number in range(120):
        (drop / f"{number}.png").touch()
    scan = DropScan(drop)
    assert len(scan.look(10.0)) + len(scan.look(11.0)) == 120
    (drop / "77.png").write_bytes(b"1")
    found = [one.path.name for step in range(30) for one in scan.look(12 + step)]
    assert found == ["77.png"]


def test_a_look_at_thousands_of_files_asks_few_of_them(drop, monkeypatch):
    for number in range(3000):
        (drop / f"{number}.png").touch()
    scan, clock = DropScan(drop), itertools.count(10)
    while scan.look(next(clock)) or scan.busy:
        pass
    asked = []
    real = os.stat
    monkeypatch.setattr(drop_scan.os, "stat", lambda path: asked.append(path) or real(path))
    assert scan.look(next(clock)) == []
    assert len(asked) < 100
