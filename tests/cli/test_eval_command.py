import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from bundles import sets, with_file

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.cli.eval import eval_command
from slsg_edge.data.splits import content_hash
from slsg_edge.errors import BundleError, DatasetError


@pytest.fixture
def data(draw_data):
    """Three dark good images, and three with a bright hole, one of them without a mask."""
    return draw_data([(10 + index, 200 + index) for index in range(3)], unmasked=1)


def test_people_see_a_table_with_intervals_and_notes(opened, data, capsys):
    eval_command(opened.path, data)
    shown = capsys.readouterr().out
    for text in ("image AUROC", "pixel AUROC", "AUPRO to 30%", "F1-max", "of 3 good", " to 1.0000"):
        assert text in shown
    assert "without a mask, so not in the pixels: 1" in shown


def test_machines_get_one_json_object_with_every_image(opened, data, capsys):
    (data / "test/hole/000.png").write_bytes(b"")
    eval_command(opened.path, data, as_json=True)
    shown = json.loads(capsys.readouterr().out)
    assert (shown["good"], shown["defective"], shown["undecided"]) == (3, 2, 1)
    assert shown["threshold"] == opened.manifest.threshold.value
    auroc = shown["figures"]["image_auroc"]
    assert 0 <= auroc["low"] <= auroc["value"] <= auroc["high"] <= 1
    assert shown["kinds"]["hole"]["image_auroc"] == auroc
    assert len(shown["images"]) == 6
    assert shown["images"][3]["outcome"] == "undecided"


def test_the_report_is_one_page_with_every_image(opened, data, tmp_path, capsys):
    eval_command(opened.path, data, report=tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "hole/002.png" in page
    assert "image AUROC" in page


def test_a_report_on_the_folder_one_is_in_names_it(opened, data, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(data)
    eval_command(opened.path, Path(), report=tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<h1>made on data</h1>" in page


def test_the_report_shows_what_is_wrong_with_the_data(opened, data, tmp_path, capsys):
    cv2.imwrite(str(data / "ground_truth/hole/009_mask.png"), np.zeros((9, 9), np.uint8))
    (data / "test/hole/002.png").rename(data / "test/hole" / os.fsdecode(b"st\xfcck.png"))
    eval_command(opened.path, data, report=tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Masks that belong to no image" in page
    assert "ground_truth/hole/009_mask.png" in page
    assert "st\\udcfcck.png" in page


def test_test_images_that_were_trained_on_or_held_out_are_noted(opened, data, capsys):
    hashes = [content_hash(path) for path in sorted((data / "test/good").iterdir())]
    record = json.dumps({"train": hashes[:2], "holdout": hashes[2:]}).encode()
    bundle = with_file(opened, "data.json", record)
    (data / "test/good/000.png").rename(data / "test/good/renamed.png")
    eval_command(bundle.path, data, as_json=True)
    notes = json.loads(capsys.readouterr().out)["notes"]
    assert "Test images that the detector was trained on: 2. The figures are too good." in notes
    assert any("held out for the threshold: 1" in note for note in notes)


def test_without_a_threshold_figures_remain_but_no_report(opened, data, tmp_path, capsys):
    bundle = opened.commit(
        "calibrate",
        {},
        command="x",
        started=0.0,
        update=sets(threshold=None),
    )
    eval_command(bundle.path, data, as_json=True)
    shown = json.loads(capsys.readouterr().out)
    assert shown["misses"] is None
    assert shown["figures"]["image_auroc"]["value"] >= 0
    assert any("slsg-edge calibrate" in note for note in shown["notes"])
    with pytest.raises(BundleError, match="has no threshold yet"):
        eval_command(bundle.path, data, report=tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


def test_a_changed_model_is_refused(opened, data):
    (opened.path / "model.onnx").write_bytes(b"other")
    with pytest.raises(BundleError):
        eval_command(open_bundle(opened.path).path, data)


def test_a_folder_without_test_images_is_an_error(opened, tmp_path):
    (tmp_path / "data/train/good").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "data/train/good/000.png"), np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(DatasetError, match="has no test images"):
        eval_command(opened.path, tmp_path / "data")


def test_a_kind_is_shown_as_it_is_called_whatever_it_means_to_a_terminal(
    opened, data, call_kinds, capsys
):
    call_kinds(data, "scratch [/top]", "[red] scratch", ":bug:")
    eval_command(opened.path, data)
    shown = capsys.readouterr().out
    for kind in ("scratch [/top]", "[red] scratch", ":bug:"):
        assert f"image AUROC, {kind}" in shown
