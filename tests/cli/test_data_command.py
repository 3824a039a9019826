"""`slsg-edge data` as a user runs it."""

import json
import os
import shutil
from functools import partial

import cv2
import numpy as np
import pytest


@pytest.fixture
def run(run_and_read):
    """The exit code, standard output and standard error of `slsg-edge data`."""
    return partial(run_and_read, "data")


@pytest.fixture
def data(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("train/good", "test/good", "test/hole"):
        (tmp_path / "d" / name).mkdir(parents=True)
        for index in range(6):
            picture = rng.integers(0, 255, (40, 60, 3), dtype=np.uint8)
            cv2.imwrite(str(tmp_path / f"d/{name}/{index}.png"), picture)
    return tmp_path / "d"


def test_people_see_counts_and_findings_with_what_to_do(run, data):
    code, shown, _ = run(data)
    assert code == 0
    assert shown.startswith(f"valid, 2 notes: {data}, 18 images\nlayout mvtec: ")
    assert f"next: slsg-edge start {data}" in shown
    assert "more findings" not in shown
    for text in (
        "60x40",
        "colour",
        "note: Defective test images without a mask",
        "next: Add masks",
    ):
        assert text in shown


def test_a_leak_ends_with_1_and_says_which_files(run, data):
    (data / "test/good/x.png").write_bytes((data / "train/good/3.png").read_bytes())
    code, shown, _ = run(data)
    assert code == 1
    assert "train/good/3.png = test/good/x.png" in shown
    assert "not valid" in shown


def test_machines_get_one_json_object_and_the_same_exit_code(run, data):
    (data / "test/good/0.png").write_bytes(b"")
    code, shown, _ = run(data, "--json")
    summary = json.loads(shown)
    assert (code, summary["valid"], summary["images"]) == (1, False, 18)
    assert summary["findings"][0]["name"] == "unreadable-test"


def test_the_sheet_is_an_image(run, data, tmp_path):
    code, _, _ = run(data, "--sheet", tmp_path / "sheet.png")
    assert code == 0
    assert cv2.imread(str(tmp_path / "sheet.png")).shape[1] > 1000


def test_a_name_that_is_not_utf_8_is_printed(run, data):
    (data / "test/hole/0.png").rename(data / "test/hole" / os.fsdecode(b"st\xfcck.png"))
    code, shown, _ = run(data)
    assert code == 0
    assert "st\\udcfcck.png" in shown


def test_the_name_of_a_kind_is_no_markup(run, data):
    (data / "test/hole").rename(data / "test/[bold]x[")
    assert "[bold]x[" in run(data)[1]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: None, "There is no folder"),
        (lambda folder: folder.mkdir(), "holds no image"),
        (lambda folder: folder.symlink_to(folder), "There is no folder"),
        (lambda folder: folder.write_text("x"), "is a file"),
    ],
)
def test_what_is_no_data_set_is_an_error_with_a_next_step(run, tmp_path, make, said):
    make(tmp_path / "odd")
    code, _, error = run(tmp_path / "odd")
    assert code == 2
    assert said in error
    assert "next: " in error


def test_a_list_that_leads_out_of_its_folder_is_refused(run, data):
    (data / "dataset.csv").write_text("image\ntrain/good/0.png\n../../etc/passwd.png\n")
    code, _, error = run(data)
    assert code == 2
    assert "dataset.csv, line 3" in error


def test_acquisitions_are_shown_by_name_and_day(run, data):
    for name in (":bug:", "[red]", os.fsdecode(b"st\xfcck")):
        (data / "train/good" / name).mkdir()
        for index in range(2):
            picture = np.random.default_rng(index).integers(0, 255, (40, 60, 3), dtype=np.uint8)
            (data / "train/good" / name / f"{index}.png").write_bytes(
                cv2.imencode(".png", picture)[1].tobytes()
            )
        os.utime(data / "train/good" / name / "0.png", (1e9, 1e9))
    code, shown, _ = run(data, "-v")
    assert code == 0
    lines = [line.split() for line in shown.splitlines()]
    names = {line[0]: line[1:] for line in lines if line}
    today = names["-"][1]
    assert names["-"][0] == "12"
    for name in (":bug:", "[red]", "st\\udcfcck"):
        assert names[name] == ["2", "2001-09-09", "to", today]
    assert json.loads(run(data, "--json")[1])["acquisitions"][1] == {
        "name": ":bug:",
        "images": 2,
        "first": "2001-09-09",
        "last": today,
    }


def test_good_photos_beside_a_test_that_was_added_are_sent_to_train_good(run, data):
    for path in (data / "train/good").iterdir():
        path.rename(data / path.name)
    shutil.rmtree(data / "train")
    code, shown, _ = run(data)
    assert code == 0
    assert "Move them to train/good, if they show good parts." in shown
    assert "next: Put photos of good parts into train/good" in shown
    assert "slsg-edge start" not in shown
