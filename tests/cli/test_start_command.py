"""`slsg-edge start` as a person gives it."""

import json
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from screens import fits_and_begins_with

from slsg_edge.demo.sample.dataset import SampleCounts, write_dataset


@pytest.fixture
def start(run_and_read):
    """The exit code, standard output and standard error of `slsg-edge start`."""
    return partial(run_and_read, "start")


def words_for(data: Path, bundle: Path) -> list[str]:
    return [str(data), "-o", str(bundle), "--backbone-weights", "none"]


@pytest.mark.slow
def test_from_photos_to_the_command_for_the_line(start, tmp_path, monkeypatch):
    """Without the internet, too: the weights of a backbone came by pip."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # where nothing listens
    data, bundle = tmp_path / "photos", tmp_path / "a.slsg"
    write_dataset(data, SampleCounts(16, 0, 4, 3, 3, size=96), seed=0)
    code, printed, said = start(data, "-o", bundle)
    assert "npad is trained, on a backbone that came by pip" in said
    assert fits_and_begins_with(printed, "found: "), printed
    found, trust, line = printed.splitlines()
    assert code in (0, 1)
    assert found.startswith("found: ")
    assert "defects missed" in found
    assert str(tmp_path / "a.html") in found
    assert trust.split()[1].rstrip(":") in ("ready", "weak", "not")
    assert line == f"line:  slsg-edge watch {bundle} SOURCE --rejects rejects"
    assert (tmp_path / "a.html").exists()
    commands = [row for row in said.splitlines() if row.startswith("$ slsg-edge ")]
    assert [row.split()[2] for row in commands[:4]] == ["data", "train", "export", "calibrate"]

    again, printed, said = start(data, "-o", bundle, "--json")
    told = json.loads(printed)
    assert again == code
    assert said.count("done before") == len(told["steps"])
    assert told["report"] == str(tmp_path / "a.html")
    assert told["steps"][-1]["result"]["state"] == trust.partition(": ")[2].partition(":")[0]


def test_photos_that_are_no_use_say_why_and_nothing_is_trained(start, tmp_path):
    data = tmp_path / "photos"
    for folder in ("train/good", "test/good", "test/dent"):
        (data / folder).mkdir(parents=True)
    write_dataset(tmp_path / "drawn", SampleCounts(4, 0, 2, 2, 0, size=96), seed=0)
    drawn = sorted((tmp_path / "drawn").rglob("*.png"))
    for index, folder in enumerate(("train/good", "test/good", "test/dent")):
        for number in range(2):  # the same photos to train on and to test with
            (data / folder / f"{index}{number}.png").write_bytes(drawn[number].read_bytes())
    code, printed, _ = start(*words_for(data, tmp_path / "a.slsg"))
    assert code == 1
    assert printed.startswith("error: ")
    assert "Nothing was trained" in printed
    assert not (tmp_path / "a.slsg").exists()


def test_a_folder_that_is_not_there_is_an_error_and_no_record(start, tmp_path):
    code, printed, said = start(tmp_path / "none", "-o", tmp_path / "a.slsg")
    assert (code, printed) == (2, "")
    assert f"failed: There is no folder {tmp_path / 'none'}" in said
    assert "Check the path" in said
    assert "failed with exit code" not in said


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_is_under_way_is_stopped_too_and_can_go_on(tmp_path, number):
    data, bundle = tmp_path / "photos", tmp_path / "a.slsg"
    write_dataset(data, SampleCounts(30, 0, 0, 0, 0, size=96), seed=0)
    words = ["start", *words_for(data, bundle), "--detector", "fractalad"]
    process = subprocess.Popen(
        [sys.executable, "-m", "slsg_edge", *words], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("$ slsg-edge train"):
            break
    log = tmp_path / "a.start.log"
    while "images to train on" not in log.read_text():
        time.sleep(0.1)
    time.sleep(1)
    process.send_signal(number)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert f"Go on with: slsg-edge start {data}" in said
    assert "Go on with" in log.read_text() or not list(tmp_path.glob("a.run/*.pt"))
    ours = [path for path in Path("/proc").glob("[0-9]*/cmdline") if _names(path, bundle)]
    assert ours == []


def _names(path: Path, bundle: Path) -> bool:
    try:
        return str(bundle).encode() in path.read_bytes()
    except OSError:  # it has ended meanwhile
        return False
