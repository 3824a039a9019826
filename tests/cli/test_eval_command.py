import json
import os
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import typer
from bundles import sets, with_file

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.cli.eval import eval_command
from slsg_edge.data.splits import content_hash
from slsg_edge.errors import BundleError, DatasetError
from slsg_edge.scoring import Tail, Threshold


@pytest.fixture
def data(draw_data):
    """Three dark good images, and three with a bright hole, one of them without a mask."""
    return draw_data([(10 + index, 200 + index) for index in range(3)], unmasked=1)


def test_people_see_a_table_with_intervals_and_notes(opened, data, capsys):
    eval_command(opened.path, data, verbose=True)
    shown = capsys.readouterr().out
    for text in ("image AUROC", "pixel AUROC", "AUPRO to 30%", "F1-max", "of 3 good", " to 1.0000"):
        assert text in shown
    assert "without a mask, so in no pixel figure: 1" in shown


def test_the_counts_come_first_then_what_to_do_then_other_thresholds(opened, data, capsys):
    eval_command(opened.path, data)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "0 of 3 defects missed (95 % interval 0 to 71 %); 0 of 3 good parts rejected (0 to 71 %)."
    )
    assert lines[1].startswith("not ready: so few images say little")
    assert lines[2].startswith("next: Test more images: 13 defective and 13 good ones")
    last = ("threshold: 0.5", "note:")
    places = [
        next(index for index, line in enumerate(lines) if text in line)
        for text in ("<- the bundle's", "kind of defect: hole, 0 of 3", "image AUROC", *last)
    ]
    assert places == sorted(places)


@pytest.fixture
def missing(draw_data):
    """Holes so dark that most of them stay below the threshold of the toy model."""
    return draw_data([(10, 100), (11, 110), (12, 200)])


def test_a_bundle_that_misses_more_than_half_is_weak_and_the_exit_code_says_so(
    opened, missing, tmp_path, run, capsys
):
    page = tmp_path / "report.html"
    code, _ = run("eval", opened.path, missing, "--report", page)
    assert code == 1
    assert page.exists()
    with pytest.raises(typer.Exit):
        eval_command(opened.path, missing)
    shown = capsys.readouterr().out
    assert shown.startswith("2 of 3 defects missed (67 %, 95 % interval 9 to 99 %)")
    assert "weak: it misses more than half of the defects." in shown
    assert "next: Find the threshold from good images" in shown


def test_machines_get_the_same_judgement(opened, missing, capsys):
    with pytest.raises(typer.Exit):
        eval_command(opened.path, missing, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert found["state"] == "weak"
    assert found["counts"]["misses"]["count"] == 2
    assert 0.09 < found["counts"]["misses"]["low"] < 0.1
    assert [row["own"] for row in found["tradeoff"]] == [True, False]
    assert found["youden"]["at_threshold"] == pytest.approx(1 / 3)
    assert found["youden"]["best"] == 1
    assert found["next"]["command"].startswith(f"slsg-edge calibrate {opened.path}")


def test_no_p_value_is_below_what_the_good_images_can_show(opened, data, capsys):
    """The toy threshold has two good scores, so at best 1 in 3 is shown."""
    tail = Tail(-2.0, 0.01, -0.5, 0.5)  # it ends: beyond, it gives exactly 0
    threshold = Threshold(0.5, "tail", 0.1, (0.4, 0.6), (0.1, 0.2), tail)
    bundle = opened.commit(
        *("calibrate", {}), command="x", started=0.0, update=sets(threshold=threshold)
    )
    eval_command(bundle.path, data, as_json=True)
    images = json.loads(capsys.readouterr().out)["images"]
    holes = [image for image in images if image["kind"] == "hole"]
    assert {image["p_value"] for image in holes} == {1 / 3}
    assert {image["p_value_extrapolated"] for image in holes} == {None}


def test_with_good_images_alone_anomalies_are_simulated_and_the_exit_code_is_0(
    opened, data, tmp_path, run, capsys
):
    shutil.rmtree(data / "test/hole")
    page = tmp_path / "report.html"
    code, _ = run("eval", opened.path, data, "--report", page)
    assert code == 0
    html = page.read_text(encoding="utf-8")
    assert "No real defect was tested: 9 anomalies are simulated in good images." in html
    assert html.count("<figure") == 12
    assert html.count("data:image/jpeg") == 12
    assert "simulated anomalies missed" in re.sub(r"<[^>]+>", "", html)
    eval_command(opened.path, data)
    lines = capsys.readouterr().out.splitlines()
    assert re.match(r"\d of 9 simulated anomalies missed .*; 0 of 3 good parts rejected", lines[0])
    assert lines[1].startswith(("weak: it misses more than half of the simulated", "not tested:"))
    assert any(line.startswith("No real defect was tested") for line in lines)


def test_machines_are_told_that_the_anomalies_are_simulated(opened, data, capsys):
    eval_command(opened.path, data / "test/good", as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert found["simulated"] is True
    assert found["state"] in ("weak", "not tested")
    assert found["defective"] == 9


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


def test_a_folder_without_images_is_an_error(opened, tmp_path):
    (tmp_path / "data/test/good").mkdir(parents=True)
    with pytest.raises(DatasetError):
        eval_command(opened.path, tmp_path / "data")


def test_a_kind_is_shown_as_it_is_called_whatever_it_means_to_a_terminal(
    opened, data, call_kinds, capsys
):
    call_kinds(data, "scratch [/top]", "[red] scratch", ":bug:")
    eval_command(opened.path, data, verbose=True)
    shown = capsys.readouterr().out
    for kind in ("scratch [/top]", "[red] scratch", ":bug:"):
        assert f"image AUROC, {kind}" in shown
        assert f"{kind}, 0 of 1" in shown


def test_a_sheet_is_a_picture_and_its_name_is_known_to_be_one_before_the_work(
    opened, data, tmp_path, run
):
    code, said = run("eval", opened.path, "nowhere", "--sheet", tmp_path / "a.html")
    assert code == 2
    assert "Let it end in .jpg or .png." in said
    test_image = data / "test/good/000.png"
    before = test_image.read_bytes()
    assert run("eval", opened.path, data, "--sheet", test_image)[0] == 2
    assert test_image.read_bytes() == before
    assert run("eval", opened.path, data, "--sheet", tmp_path / "a.jpg")[0] == 0
    assert cv2.imread(str(tmp_path / "a.jpg")).shape[1] > 1000
