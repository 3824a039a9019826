"""Temporary files of killed processes go; pictures and files of others are never overwritten."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from slsg_edge import storage
from slsg_edge.errors import StorageError
from slsg_edge.storage import temporary_folder, write_atomically, write_new

KILLED = """
import os, signal, sys
from pathlib import Path
from slsg_edge import storage

def killed(path, content):
    path.write_bytes(content[:3])
    os.kill(os.getpid(), signal.SIGKILL)

folder = Path(sys.argv[1])
if sys.argv[2] == "file":
    storage._write_through = killed
    storage.write_atomically(folder / "a", b"content")
storage.tempfile.tempdir = str(folder)
with storage.temporary_folder() as made:
    killed(made / "a", b"content")
"""


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_a_killed_process_left_is_removed_at_the_next_write(tmp_path, monkeypatch, what):
    run = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), what], check=False)
    assert run.returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    (tmp_path / ".other.123.tmp").write_bytes(b"of another program")
    if what == "file":
        write_atomically(tmp_path / "b", b"content")
        assert {path.name for path in tmp_path.iterdir()} == {"b", ".other.123.tmp"}
    else:
        monkeypatch.setattr(storage.tempfile, "tempdir", str(tmp_path))
        with temporary_folder() as made:
            assert not left.exists()
            assert made.is_dir()
        assert [path.name for path in tmp_path.iterdir()] == [".other.123.tmp"]


def test_what_a_living_process_or_another_machine_writes_stays(tmp_path):
    names = (f".slsg-{storage._host()}-{os.getppid()}-0.tmp", ".slsg-00000000-999999-0.tmp")
    for name in names:
        (tmp_path / name).write_bytes(b"half")
    write_atomically(tmp_path / "b", b"content")
    assert {path.name for path in tmp_path.iterdir()} == {*names, "b"}


def test_what_another_machine_left_days_ago_goes(tmp_path):
    left = tmp_path / ".slsg-00000000-999999-0.tmp"
    left.write_bytes(b"half")
    old = time.time() - 2 * 86_400
    os.utime(left, (old, old))
    write_atomically(tmp_path / "b", b"content")
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


@pytest.mark.parametrize("links", [True, False])
def test_nothing_is_overwritten_however_many_write_one_name(tmp_path, monkeypatch, links):
    def none(*_):
        raise PermissionError(1, "no hard links here")

    if not links:
        monkeypatch.setattr(storage.os, "link", none)
    threads = [
        threading.Thread(target=write_new, args=(tmp_path / "a.png", b"%d" % number))
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = {path.read_bytes() for path in tmp_path.iterdir()}
    assert found == {b"%d" % number for number in range(8)}
    assert {path.name for path in tmp_path.iterdir()} >= {"a.png", "a_1.png", "a_7.png"}


def test_nothing_but_a_stage_writes_into_a_bundle(tmp_path):
    bundle = tmp_path / "x.slsg"
    bundle.mkdir()
    (bundle / "manifest.json").write_text("{}")
    (tmp_path / "link").symlink_to(bundle)
    for path in (bundle / "manifest.json", bundle / "new/a.png", tmp_path / "link/a.png"):
        with pytest.raises(StorageError, match="inside the bundle"):
            write_atomically(path, b"x")
        with pytest.raises(StorageError, match="inside the bundle"):
            write_new(path, b"x")
    assert [path.name for path in bundle.iterdir()] == ["manifest.json"]


@pytest.mark.parametrize("content", [b"\x89PNG\r\n", b"<!doctype html>"])
def test_a_picture_or_a_page_takes_the_place_of_its_like_only(tmp_path, content):
    path = tmp_path / "a"
    for other in (b"\xff\xd8 a photo", b'{"a": 1}', b"image,label\n"):
        path.write_bytes(other)
        with pytest.raises(StorageError, match="holds something else than a"):
            write_atomically(path, content)
        assert path.read_bytes() == other
    path.write_bytes(b"")
    write_atomically(path, content)
    write_atomically(path, content + b" anew")
    assert path.read_bytes() == content + b" anew"
