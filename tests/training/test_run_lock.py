"""Two trainings into one run folder: the second is told, and a dead one holds nothing."""

import subprocess
import sys

import pytest

from slsg_edge.errors import ConfigError
from slsg_edge.training.run_lock import HOLDER_FILE, exclusive_run, require_free

pytest.importorskip("fcntl")

HOLDER = """
import sys
from pathlib import Path
from slsg_edge.training.run_lock import exclusive_run
with exclusive_run(Path(sys.argv[1]), "slsg-edge train good -o juice.slsg"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the folder until it is killed."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "juice.run")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_folder_that_another_process_trains_in_is_refused(tmp_path, holder):
    folder = tmp_path / "juice.run"
    said = f"process {holder.pid}, slsg-edge train good -o juice.slsg"
    with pytest.raises(ConfigError, match=said) as caught, exclusive_run(folder, "another"):
        raise AssertionError("two hold it")
    assert "another --output" in caught.value.fix
    with pytest.raises(ConfigError, match=said):
        require_free(folder)


def test_a_process_that_was_killed_holds_nothing(tmp_path, holder):
    folder = tmp_path / "juice.run"
    holder.kill()
    holder.wait()
    require_free(folder)
    with exclusive_run(folder, "the next one"):
        assert "the next one" in (folder / HOLDER_FILE).read_text()


def test_one_after_the_other_is_fine(tmp_path):
    require_free(tmp_path / "new.run")
    assert not (tmp_path / "new.run").exists()
    for _ in range(2):
        with exclusive_run(tmp_path / "new.run", "x"):
            pass
