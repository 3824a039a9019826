from dataclasses import replace

import cv2
import numpy as np
import pytest

from slsg_edge.contracts import Fault, Frame, Verdict
from slsg_edge.errors import StorageError
from slsg_edge.line.records import Inspection, record_of
from slsg_edge.line.sinks.recording import Recording


def inspection(index, outcome="good", image=True, fault=None):
    picture = np.random.default_rng(index).integers(0, 256, (30, 40, 3), np.uint8)
    frame = Frame(index, "camera", 1700000000.0, 0.0, picture if image else None, fault)
    decided = outcome != "undecided"
    verdict = Verdict(outcome, 0.3, 0.5) if decided else Verdict(outcome, reason="detector_failed")
    return Inspection(record_of(frame, verdict, {}, "f"), frame)


def seen_in(folder):
    """The frame numbers, by what is in the names."""
    return [int(path.stem.split("_")[1]) for path in sorted(folder.iterdir())]


def test_the_first_frames_are_kept_lossless_whatever_the_verdict(tmp_path):
    sink = Recording(tmp_path / "r", 3)
    for index, outcome in enumerate(("anomalous", "good", "undecided", "good")):
        sink.write(inspection(index, outcome))
    sink.close()
    assert seen_in(tmp_path / "r") == [0, 1, 2]
    assert sink.recorded == 3
    for index, path in enumerate(sorted((tmp_path / "r").iterdir())):
        np.testing.assert_array_equal(cv2.imread(str(path)), inspection(index).frame.image)


def test_a_frame_that_was_not_inspected_does_not_count(tmp_path):
    sink = Recording(tmp_path, 1)
    sink.write(inspection(0, "undecided", image=False))
    sink.write(inspection(1, "undecided", fault=Fault("no_picture", "grey")))
    sink.write(inspection(2))
    assert seen_in(tmp_path) == [2]


def test_nothing_is_overwritten(tmp_path):
    sinks = [Recording(tmp_path, 2) for _ in range(3)]
    for number, sink in enumerate(sinks):
        sink._run = "20261130T060000"  # as if begun in the same second
        sink.write(inspection(5))
        sink.write(replace(inspection(6), frame=inspection(20 + number).frame))
    assert len(list(tmp_path.iterdir())) == 6
    kept = {cv2.imread(str(path)).tobytes() for path in tmp_path.glob("*00000006*")}
    assert kept == {inspection(20 + number).frame.image.tobytes() for number in range(3)}


def test_after_a_failure_nothing_more_is_recorded(tmp_path):
    (tmp_path / "r").write_text("a file is in the way")
    sink = Recording(tmp_path / "r", 3)
    with pytest.raises(StorageError):
        sink.write(inspection(0))
    (tmp_path / "r").unlink()
    sink.write(inspection(1))
    assert not (tmp_path / "r").exists()
    assert sink.recorded == 0
    assert not sink.essential
