import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from slsg_edge.errors import StorageError
from slsg_edge.storage import write_atomically, write_together

# Writes 1 MB where the system allows files of 64 KB: a real write that really fails half way.
TOO_LARGE = """
import resource, signal, sys
from pathlib import Path
from slsg_edge.errors import StorageError
from slsg_edge.storage import write_together

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
try:
    write_together(Path(sys.argv[1]), {"small": b"new", "large": bytes(2**20)})
except StorageError as error:
    print(error)
"""


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_all_files_are_written_and_no_temporary_one_stays(tmp_path):
    write_together(tmp_path / "new", {"a": b"1", "deep/b": b"2"})
    assert (tmp_path / "new/a").read_bytes() == b"1"
    assert (tmp_path / "new/deep/b").read_bytes() == b"2"
    assert names_in(tmp_path / "new") == ["a", "deep"]
    assert names_in(tmp_path / "new/deep") == ["b"]


@pytest.mark.skipif(os.name != "posix", reason="needs resource limits")
def test_a_write_that_fails_half_way_leaves_everything_as_it_was(tmp_path):
    (tmp_path / "small").write_bytes(b"old small")
    (tmp_path / "large").write_bytes(b"old large")
    run = subprocess.run(
        [sys.executable, "-c", TOO_LARGE, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "Cannot write" in run.stdout
    assert (tmp_path / "small").read_bytes() == b"old small"
    assert (tmp_path / "large").read_bytes() == b"old large"
    assert names_in(tmp_path) == ["large", "small"]


def test_a_full_disk_is_called_that(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (tmp_path / "file").write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match=r"The disk is full: cannot write .*Free some space"):
        write_atomically(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"old"
    assert names_in(tmp_path) == ["file"]


def test_a_file_where_a_folder_should_be_is_an_error(tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(StorageError, match=r"Cannot write .*file"):
        write_atomically(tmp_path / "file/inside", b"new")
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_folder_without_permission_is_an_error(tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)
    if os.access(tmp_path / "closed", os.W_OK):
        pytest.skip("this user may write everywhere")
    with pytest.raises(StorageError, match=r"Cannot write .*closed.*permissions"):
        write_atomically(tmp_path / "closed/file", b"new")


def test_the_renames_in_every_folder_are_synced(tmp_path, monkeypatch):
    """Also of folders that are new: each stands in its parent, which is synced as well."""
    synced = set()
    sync = os.fsync
    paths = {}
    opened = os.open

    def remember(path, *rest, **options):
        descriptor = opened(path, *rest, **options)
        paths[descriptor] = Path(path)
        return descriptor

    def note(descriptor):
        synced.add(paths.get(descriptor))
        sync(descriptor)

    monkeypatch.setattr(os, "open", remember)
    monkeypatch.setattr(os, "fsync", note)
    write_together(tmp_path, {"engines/a.engine": b"1", "engines/deep/b": b"2", "c": b"3"})
    assert {tmp_path, tmp_path / "engines", tmp_path / "engines/deep"} <= synced
