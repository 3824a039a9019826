"""A log in which a change shows, whoever made it."""

import json
import threading

import pytest

from slsg_edge.errors import StorageError
from slsg_edge.line.dashboard.audit import AuditLog


@pytest.fixture
def log(tmp_path):
    found = AuditLog(tmp_path / "audit.jsonl")
    for number in range(4):
        found.append(f"person {number}", f"change {number}", "because")
    return found


@pytest.fixture
def path(tmp_path, log):
    return tmp_path / "audit.jsonl"


def test_a_log_that_nobody_touched_is_whole(log, path):
    assert log.verify() is None
    assert [each.what for each in log.newest(2)] == ["change 3", "change 2"]
    assert len(path.read_bytes().splitlines()) == 4


def test_a_log_that_is_not_there_is_whole(tmp_path):
    assert AuditLog(tmp_path / "none.jsonl").verify() is None
    assert AuditLog(tmp_path / "none.jsonl").newest(5) == []


def changed(lines):
    lines[1] = lines[1].replace(b"person 1", b"person 2")


def removed(lines):
    del lines[1]


def swapped(lines):
    lines[1], lines[2] = lines[2], lines[1]


def put_between(lines):
    lines.insert(1, lines[1])


def without_beginning(lines):
    del lines[0]


def spoiled(lines):
    lines[2] = b"\xff\x00nonsense\n"


@pytest.mark.parametrize(
    ("harm", "found"),
    [
        (changed, 3),
        (removed, 2),
        (swapped, 2),
        (put_between, 3),
        (without_beginning, 1),
        (spoiled, 3),
    ],
)
def test_what_was_done_to_the_file_shows(log, path, harm, found):
    lines = path.read_bytes().splitlines(keepends=True)
    harm(lines)
    path.write_bytes(b"".join(lines))
    assert log.verify() == found
    log.append("person 5", "change 5", "because")
    assert log.verify() == found
    assert log.newest(1)[0].what == "change 5"


def test_half_a_line_of_a_power_cut_is_kept_and_shows(log, path):
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert log.verify() == 4
    log.append("person 5", "change 5", "because")
    lines = path.read_bytes().splitlines()
    assert len(lines) == 5
    assert lines[3] == whole.splitlines()[3][:-19]
    assert log.verify() == 4


def test_a_line_is_one_line_whatever_is_said(tmp_path):
    log = AuditLog(tmp_path / "audit.jsonl")
    log.append("a\nb", "\r\n\u2028\x00", "x" * 100_000)
    log.append("Ada", "what", "why \ud800")
    assert log.verify() is None
    assert len((tmp_path / "audit.jsonl").read_bytes().splitlines()) == 2
    assert len(log.newest(2)[1].why) == 1000


def test_several_writers_make_one_chain(tmp_path):
    path = tmp_path / "audit.jsonl"

    def write(name):
        log = AuditLog(path)
        for number in range(10):
            log.append(name, str(number), "")

    threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert AuditLog(path).verify() is None
    assert len(AuditLog(path).newest(100)) == 30


def test_a_folder_in_its_place_is_a_sentence(tmp_path):
    with pytest.raises(StorageError):
        AuditLog(tmp_path).append("a", "b", "c")
    with pytest.raises(StorageError):
        AuditLog(tmp_path).verify()


def test_each_line_is_json_with_the_digest_of_the_one_before(path):
    entries = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert list(entries[0]) == ["at", "who", "what", "why", "before"]
    assert entries[0]["before"] == "0" * 64
