"""What a survey says about data sets with one thing wrong each."""

import os
import shutil
from datetime import datetime

import cv2
import numpy as np
import pytest

from slsg_edge.data.layouts import read_dataset
from slsg_edge.data.survey.sheet import COLUMNS, SIDE, sheet_of
from slsg_edge.data.survey.survey import survey, survey_summary
from slsg_edge.errors import DatasetError
from slsg_edge.images.drawing import CAPTION_HEIGHT, CYAN, SHEET_GAP

DAY = datetime(2026, 11, 2, 6, 20).timestamp()


@pytest.fixture
def line(files):
    """24 good images of two days to train on, 6 to test with, 4 with a hole and a mask: nothing
    is wrong.
    """
    files.parts("train/good", 24)
    for path in (files.folder / "train/good").glob("01*"):
        os.utime(path, (DAY, DAY))
    files.parts("test/good", 6)
    files.parts("test/hole", 4)
    files.mask(*(f"ground_truth/hole/{index:03}_mask.png" for index in range(4)))
    return files


def look(files):
    return survey(read_dataset(files.folder))


def found_in(files):
    return {one.name: one for one in look(files).findings}


def test_a_clean_data_set_has_no_finding(line):
    found = look(line)
    assert found.findings == ()
    assert found.valid
    counts = [(one.split, one.kind, one.count, one.masked) for one in found.groups]
    assert counts == [("train", "good", 24, 0), ("test", "good", 6, 0), ("test", "hole", 4, 4)]
    group = found.groups[0]
    assert (group.sizes, group.modes) == ({"64x64": 24}, {"colour": 24})
    assert group.brightness.low <= group.brightness.median <= group.brightness.high


def copy(line, source, target):
    shutil.copy(line.folder / source, line.folder / target)


def saved_anew(line, source, target):
    line.write(target, cv2.resize(cv2.imread(str(line.folder / source)), (128, 128)))


@pytest.mark.parametrize(
    ("change", "name", "severity", "example"),
    [
        (
            lambda line: copy(line, "train/good/003.png", "test/good/x.png"),
            "copies-train-test",
            "error",
            "train/good/003.png = test/good/x.png",
        ),
        (
            lambda line: saved_anew(line, "train/good/003.png", "test/good/x.png"),
            "near-train-test",
            "error",
            "train/good/003.png = test/good/x.png",
        ),
        (
            lambda line: copy(line, "test/hole/001.png", "train/good/x.png"),
            "copies-both-labels",
            "error",
            "train/good/x.png = test/hole/001.png",
        ),
        (
            lambda line: saved_anew(line, "test/good/001.png", "test/hole/x.png"),
            "near-both-labels",
            "warning",
            "test/good/001.png = test/hole/x.png",
        ),
        (
            lambda line: copy(line, "test/good/001.png", "test/good/x.png"),
            "copies-within-test",
            "warning",
            "test/good/001.png = test/good/x.png",
        ),
        (
            lambda line: copy(line, "train/good/001.png", "train/good/x.png"),
            "copies-within-split",
            "note",
            "train/good/001.png = train/good/x.png",
        ),
        (
            lambda line: (line.folder / "test/good/001.png").write_bytes(b"\x89PNG\r\n\x1a\n..."),
            "unreadable-test",
            "error",
            "test/good/001.png is truncated",
        ),
        (
            lambda line: (line.folder / "train/good/001.png").write_bytes(b""),
            "unreadable",
            "warning",
            "train/good/001.png is empty",
        ),
        (
            lambda line: line.mask("ground_truth/hole/001_mask.png", side=40),
            "mask-size",
            "error",
            "ground_truth/hole/001_mask.png: 40x40, its image 64x64",
        ),
        (
            lambda line: line.mask("ground_truth/hole/001_mask.png", value=0),
            "mask-black",
            "error",
            "ground_truth/hole/001_mask.png",
        ),
        (
            lambda line: (line.folder / "ground_truth/hole/001_mask.png").write_bytes(b""),
            "mask-unreadable",
            "error",
            "ground_truth/hole/001_mask.png",
        ),
        (
            lambda line: line.write(
                "ground_truth/hole/001_mask.png",
                np.pad(np.tile(np.arange(64, dtype=np.uint8) * 4, (16, 1)), ((0, 48), (0, 0))),
            ),
            "mask-grey",
            "note",
            "ground_truth/hole/001_mask.png: 63 values",
        ),
        (
            lambda line: (line.folder / "ground_truth/hole/001_mask.png").unlink(),
            "mask-missing",
            "warning",
            "test/hole/001.png",
        ),
        (
            lambda line: line.mask("ground_truth/hole/9_mask.png"),
            "mask-stray",
            "warning",
            "ground_truth/hole/9_mask.png",
        ),
        (
            lambda line: line.write("train/good/001.png", np.zeros((64, 64, 3), np.uint8)),
            "odd-good",
            "warning",
            "train/good/001.png: ",
        ),
        (lambda line: line.part("test/good/x.png", side=40), "sizes", "note", "64x64: 34"),
    ],
)
def test_what_is_wrong_is_found_with_an_example(line, change, name, severity, example):
    change(line)
    found = found_in(line)
    assert found[name].severity == severity
    assert found[name].count >= 1
    assert example in found[name].examples[0].replace("\\", "/")
    assert found[name].fix
    assert look(line).valid == (severity != "error")


def test_copies_between_validation_and_the_others_weaken_the_threshold(line):
    line.parts("validation/good", 5)
    copy(line, "train/good/003.png", "validation/good/x.png")
    copy(line, "test/good/003.png", "validation/good/y.png")
    found = found_in(line)
    assert found["copies-train-validation"].severity == "warning"
    assert found["copies-validation-test"].severity == "warning"


def test_a_test_without_good_images_is_a_warning_and_one_without_defects_a_note(line):
    shutil.rmtree(line.folder / "test/good")
    assert found_in(line)["no-good-test"].severity == "warning"
    line.parts("test/good", 3)
    shutil.rmtree(line.folder / "test/hole")
    assert found_in(line)["no-defective-test"].severity == "note"


def test_a_plain_folder_of_good_images_is_of_one_session_and_else_no_finding(files):
    files.parts("good", 20)
    assert found_in(files).keys() == {"one-acquisition"}
    assert look(files).valid


def test_a_data_set_without_any_mask_is_not_blamed_for_each(line):
    shutil.rmtree(line.folder / "ground_truth")
    missing = found_in(line)["mask-missing"]
    assert (missing.severity, missing.count) == ("note", 4)


def test_modes_that_tell_good_from_defective_are_a_warning(line):
    assert "modes" not in found_in(line)
    for index in range(4):
        line.write(f"test/hole/{index:03}.png", np.full((64, 64), 40 * index, np.uint8))
    found = found_in(line)
    assert found["modes-apart"].severity == "warning"
    assert "grey: defective only" in found["modes-apart"].examples
    for name in ("train/good/000.png", "test/hole/000.png"):
        line.write(name, cv2.imread(str(line.folder / "train/good/001.png"), 0))
        line.part("test/hole/003.png")
    found = found_in(line)
    assert "modes-apart" not in found
    assert found["modes"].examples == ("colour: 30", "grey: 4")


def test_a_list_with_files_that_are_not_there(line):
    (line.folder / "dataset.csv").write_text(
        "image,label,mask\ntrain/good/000.png,good,\ngone.png,hole,\n"
        "test/hole/000.png,hole,gone_mask.png\n,,\n".replace("\n,,", "")
    )
    found = found_in(line)
    assert "gone.png: No such file" in found["unreadable-test"].examples[0]
    assert found["mask-unreadable"].examples == ("gone_mask.png",)
    assert found["few-train"].count == 1


def test_unlabelled_images_and_defects_to_train_on_are_noted(line):
    (line.folder / "dataset.csv").write_text(
        "image,label,split\ntrain/good/000.png,,\ntrain/good/001.png,good,\n"
        "test/hole/000.png,hole,train\n"
    )
    found = found_in(line)
    assert found["unlabelled"].examples == ("train/good/000.png",)
    assert found["defects-in-train"].examples == ("test/hole/000.png",)


def test_a_name_that_is_not_utf_8_is_shown_with_escapes(line):
    name = os.fsdecode(b"st\xfcck.png")
    copy(line, "train/good/000.png", "new.png")
    line.part("new.png")
    (line.folder / "new.png").rename(line.folder / "train/good" / name)
    found = found_in(line)
    assert found["names"].examples == ("train/good/st\\udcfcck.png",)
    assert found["names"].examples[0].encode("utf-8")
    assert sheet_of(look(line)).size


def test_a_defects_config_that_is_none_is_an_error(line):
    (line.folder / "defects_config.json").write_text("{")
    with pytest.raises(DatasetError, match="is no list of defects"):
        look(line)


def test_a_grey_value_without_a_rule_invalidates(line):
    (line.folder / "defects_config.json").write_text(
        '[{"defect_name": "x", "pixel_value": 254, "saturation_threshold": 1,'
        ' "relative_saturation": true}]'
    )
    assert found_in(line)["mask-unknown"].count == 4


def test_the_summary_is_json_with_everything_in_it(line):
    copy(line, "train/good/003.png", "test/good/x.png")
    summary = survey_summary(look(line))
    assert (summary["layout"], summary["images"], summary["valid"]) == ("mvtec", 35, False)
    assert summary["groups"][0]["sizes"] == {"64x64": 24}
    assert summary["findings"][0]["name"] == "copies-train-test"


def test_the_bars_count_every_image_and_mask(line):
    seen = {}

    class Bars:
        def __init__(self, what, total):
            self.what, seen[what] = what, [total, 0]

        def __enter__(self):
            return self.advance

        def __exit__(self, *_):
            pass

        def advance(self):
            seen[self.what][1] += 1

    survey(read_dataset(line.folder), Bars)
    assert seen == {"images": [34, 34], "masks": [4, 4]}


def test_the_sheet_shows_a_row_for_each_kind_with_defects_outlined(line):
    saved_anew(line, "train/good/003.png", "test/good/x.png")  # blurred by that, so odd, too
    sheet = sheet_of(look(line))
    rows = np.array_split(sheet[:-SHEET_GAP], 5)
    assert len(rows[0]) == SIDE + CAPTION_HEIGHT + SHEET_GAP
    assert sheet.shape[1] == COLUMNS * (SIDE + SHEET_GAP) + SHEET_GAP
    outlined = [bool((row == CYAN).all(axis=2).any()) for row in rows]
    assert outlined == [False, False, True, False, False]
