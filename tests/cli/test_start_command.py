"""`slsg-edge start` as a person gives it."""

import json
import sys
from pathlib import Path

import pytest

from slsg_edge import cli
from slsg_edge.sample.dataset import SampleCounts, write_dataset


@pytest.fixture
def start(monkeypatch, capsys):
    """The exit code, what was printed, and what was said."""

    def command(*words) -> tuple[int | str, str, str]:
        monkeypatch.setattr(sys, "argv", ["slsg-edge", "start", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        said = capsys.readouterr()
        return stopped.value.code or 0, said.out, said.err

    return command


def words_for(data: Path, bundle: Path) -> list[str]:
    return [str(data), "-o", str(bundle), "--backbone-weights", "none"]


@pytest.mark.slow
def test_from_photos_to_the_command_for_the_line(start, tmp_path):
    data, bundle = tmp_path / "photos", tmp_path / "a.slsg"
    write_dataset(data, SampleCounts(16, 0, 4, 3, 3, size=96), seed=0)
    code, printed, said = start(*words_for(data, bundle))
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

    again, printed, said = start(*words_for(data, bundle), "--json")
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
    assert "failed with exit code 2" in said
    assert "There is no" in (tmp_path / "a.start.log").read_text()
