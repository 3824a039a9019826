"""What each command prints fits on one screen and begins with the result; -v has the details."""

import itertools

import cv2
import numpy as np
import pytest

LINES, COLUMNS = 24, 100
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


def lines_of(text):
    """On a terminal of so many columns."""
    return list(
        itertools.chain.from_iterable(
            [line[start : start + COLUMNS] for start in range(0, max(1, len(line)), COLUMNS)]
            for line in text.splitlines()
        )
    )


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
    shown = lines_of(out)
    assert len(shown) <= LINES, out
    assert RESULTS[command] in " ".join(shown[:2])
    if command not in ("bench", "compare"):
        assert "next: " in out
    _, more, _ = run_and_read(command, *words[command], "--verbose")
    assert len(lines_of(more)) > len(shown)
