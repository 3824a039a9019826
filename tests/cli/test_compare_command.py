import json
import os
import re
import shutil

import pytest
import typer
from bundles import sets, with_file

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.cli.compare import compare
from slsg_edge.errors import BundleError, ConfigError, DatasetError
from slsg_edge.scoring import Threshold


@pytest.fixture
def data(draw_data):
    """Good images of grey 20 to 50, and defective ones with a square of 100 to 175."""
    return draw_data([(20 + 10 * index, 100 + 25 * index) for index in range(4)])


@pytest.fixture
def other(toy_bundle, tmp_path):
    """The same network with a lower threshold, which calls two more images anomalous."""
    path = tmp_path / "lower.slsg"
    shutil.copytree(toy_bundle, path)
    open_bundle(path).commit(
        "calibrate",
        {},
        command="x",
        started=0.0,
        inputs=("model.onnx",),
        update=sets(threshold=Threshold(0.35, "manual")),
    )
    return path


def as_json(*paths, capsys, **options):
    code = 0
    try:
        compare(list(paths), as_json=True, **options)
    except typer.Exit as ended:
        code = ended.exit_code
    return code, json.loads(capsys.readouterr().out)


def test_images_that_change_verdict_are_named_and_the_exit_code_tells(
    toy_bundle, other, data, capsys
):
    code, found = as_json(toy_bundle, other, data, capsys=capsys, frames=0)
    assert code == 1
    assert found["names"] == ["made", "lower"]
    assert found["thresholds"] == [0.5, 0.35]
    changed = {one["image"].rpartition("/")[2]: one for one in found["changed"]}
    assert set(changed) == {"000.png", "001.png"}
    assert {one["effect"] for one in changed.values()} == {"right now"}
    assert changed["000.png"]["outcomes"] == ["good", "anomalous"]
    misses = found["changes"]["misses"]
    assert (misses["first"], misses["second"]) == (0.5, 0)
    assert misses["difference"]["value"] == -0.5
    assert found["changes"]["image_auroc"]["difference"]["value"] == 0
    assert "aupro" in found["changes"]
    assert found["latency"] is None


def test_the_verdicts_of_both_lead_and_one_of_them_is_recommended(toy_bundle, other, data, capsys):
    with pytest.raises(typer.Exit):
        compare([toy_bundle, other, data], frames=0)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "made -> lower:",
        "  defects missed: 2 of 4 -> 0 of 4: better, but chance alone may explain it "
        "(50 %, 7 to 93 % -> 0 to 60 %)",
        "  good parts rejected: 0 of 4 -> 0 of 4: same (0 to 60 % -> 0 to 60 %)",
    ]
    assert lines[3].startswith("  made is not ready: it misses more than 10 %")
    assert lines[5].startswith("Take lower: fewer defects missed (2 of 4 -> 0 of 4).")


def test_bundles_of_different_products_are_warned_of_everywhere(
    toy_bundle, other, data, tmp_path, capsys
):
    for path, first in ((toy_bundle, "a"), (other, "b")):
        known = json.dumps({"train": [first * 64], "holdout": []}).encode()
        with_file(open_bundle(path), "data.json", known)
    page = tmp_path / "compared.html"
    code, found = as_json(toy_bundle, other, data, capsys=capsys, frames=0, report=page)
    assert code == 1
    (warning,) = found["warnings"]
    assert "learned from different images (0 of 1 shared)" in warning
    assert f"Warning:</b> {warning}" in page.read_text(encoding="utf-8")
    assert found["recommendation"].startswith("Take lower")
    assert [side["counts"]["misses"]["count"] for side in found["sides"]] == [2, 0]


def test_two_backends_of_one_bundle_say_the_same_and_are_timed_side_by_side(
    toy_bundle, data, capsys
):
    pytest.importorskip("openvino")
    backends = "onnxruntime-fp32,openvino-fp32"
    code, found = as_json(toy_bundle, data, capsys=capsys, backend=backends, frames=16)
    assert (code, found["changed"]) == (0, [])
    assert found["names"] == backends.split(",")
    first, second = found["latency"]["backends"]
    assert first["speedup"] == 1
    assert second["median"] > 0
    assert found["latency"]["frames"] == 16


def test_people_see_a_table_the_images_and_the_notes(toy_bundle, other, data, capsys):
    (data / "test/hole/003.png").write_bytes(b"")
    with pytest.raises(typer.Exit):
        compare([toy_bundle, other, data], frames=8, verbose=True)
    shown = capsys.readouterr().out
    for text in (
        *("misses, of the defective", "image AUROC", "median ms", "2 right now"),
        "right now: hole/000.png: good 0.3922 -> anomalous 0.3922",
        "note: Undecided by one or both, so in no figure: 1.",
    ):
        assert text in re.sub(r"\s+", " ", shown)


def test_the_page_shows_the_images_that_change_with_both_maps(
    toy_bundle, other, data, tmp_path, capsys
):
    page = tmp_path / "compared.html"
    with pytest.raises(typer.Exit):
        compare([toy_bundle, other, data], frames=8, report=page)
    html = page.read_text(encoding="utf-8")
    assert html.count("<figure") == 2
    assert html.count("data:image/jpeg") == 2  # once for three views
    assert html.count("data:image/webp") == 4
    assert "<h1>lower against made on data</h1>" in html
    assert "2 of 8 test images change verdict: 2 right now." in html
    assert not re.search(r"https?://|<script", html)


def test_names_that_are_no_utf_8_stand_on_the_page(toy_bundle, other, data, tmp_path, capsys):
    odd = os.fsencode(data / "test/hole") + b"/\xff.png"
    try:
        os.rename(data / "test/hole/000.png", odd)  # noqa: PTH104
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    page = tmp_path / "compared.html"
    with pytest.raises(typer.Exit):
        compare([toy_bundle, other, data], frames=0, report=page, as_json=True)
    assert "udcff.png" in page.read_text(encoding="utf-8")


def test_without_good_test_images_what_needs_them_is_left_out(toy_bundle, other, data, capsys):
    shutil.rmtree(data / "test/good")
    code, found = as_json(toy_bundle, other, data, capsys=capsys, frames=0)
    assert code == 1
    assert {"misses", "aupro"} <= set(found["changes"])
    assert not {"false_alarms", "image_auroc"} & set(found["changes"])
    assert "No image figures: they need good and defective; there are 0 good" in found["notes"][0]


def test_what_cannot_be_compared_is_an_error(toy_bundle, other, data, tmp_path):
    with pytest.raises(ConfigError, match="Both sides are"):
        compare([toy_bundle, data])
    with pytest.raises(ConfigError, match="two sides, not 3"):
        compare([toy_bundle, other, toy_bundle, data])
    with pytest.raises(ConfigError, match="two sides"):
        compare([data])
    with pytest.raises(BundleError, match="is not a bundle"):
        compare([toy_bundle, data, other])
    with pytest.raises(DatasetError, match="There is no folder"):
        compare([toy_bundle, other, tmp_path / "gone"])
    open_bundle(other).commit(
        "calibrate",
        {},
        command="x",
        started=0.0,
        update=sets(threshold=None),
    )
    with pytest.raises(BundleError, match="has no threshold yet"):
        compare([toy_bundle, other, data])


def test_kinds_and_bundles_are_shown_as_they_are_called(
    toy_bundle, other, data, call_kinds, monkeypatch, capsys
):
    monkeypatch.setenv("COLUMNS", "120")
    call_kinds(data, "scratch [/top]", "[red] scratch")
    lower = other.rename(other.with_name("[red] low.slsg"))
    with pytest.raises(typer.Exit):
        compare([toy_bundle, lower, data], frames=0, verbose=True)
    shown = capsys.readouterr().out
    assert "[red] low" in shown
    assert "right now: scratch [/top]/000.png: good" in shown
    for kind in ("scratch [/top]", "[red] scratch"):
        assert f"image AUROC, {kind}" in shown
