"""What each command prints fits on one screen and begins with the result; -v has the details."""

import shutil

import cv2
import numpy as np
import pytest
from screens import COLUMNS, fits_and_begins_with, lines_of

DETAILS = ("eval", "compare", "info", "verify", "doctor", "data", "bench")


@pytest.fixture
def data(draw_data, call_kinds):
    """Twelve kinds of defect, more notes than fit, and images that were learned from."""
    found = draw_data([(10 + index, 60 + 15 * index) for index in range(12)], unmasked=3)
    call_kinds(found, *(f"kind {index} of a long name" for index in range(12)))
    for index in range(6):
        path = found / f"train/good/day {index}/0.png"
        path.parent.mkdir(parents=True)
        cv2.imwrite(str(path), np.full((64, 64, 3), 10 + index, np.uint8))
    return found


@pytest.fixture
def words(toy_bundle, data):
    """Of each command, but for its name."""
    return {
        "eval": (toy_bundle, data),
        "compare": (toy_bundle, data, "--backend", "onnxruntime-fp32,openvino-fp32"),
        "info": (toy_bundle,),
        "verify": (toy_bundle,),
        "doctor": (),
        "data": (data,),
        "bench": ("bundle", toy_bundle, "--frames", 8),
    }


RESULTS = {
    "eval": " defects missed (",
    "compare": "defects missed: ",
    "info": "ready to watch",
    "verify": "verify ok: ",
    "doctor": "This machine can",
    "data": "valid",
    "bench": " parts a minute",
}


@pytest.mark.parametrize("command", DETAILS)
def test_a_command_fits_on_a_screen_and_begins_with_the_result(
    words, run_and_read, monkeypatch, command
):
    if command == "compare":
        pytest.importorskip("openvino")
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    monkeypatch.setattr("slsg_edge.bench.synthesis.SIMULATED", 2)
    code, out, err = run_and_read(command, *words[command])
    assert code in (0, 1), err
    assert fits_and_begins_with(out, RESULTS[command]), out
    if command not in ("bench", "compare"):
        assert "next: " in out
    _, more, _ = run_and_read(command, *words[command], "--verbose")
    assert len(lines_of(more)) > len(lines_of(out))


def test_a_threshold_with_its_operating_points_fits_on_a_screen(
    trained_bundle, run_and_read, monkeypatch, tmp_path
):
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    bundle = shutil.copytree(trained_bundle("npad"), tmp_path / "npad.slsg")
    code, out, err = run_and_read("calibrate", bundle)
    assert code == 0, err
    assert "chosen" in out
    assert fits_and_begins_with(out, "threshold 0."), out
    assert f"next: slsg-edge eval {bundle}" in out
