import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from slsg_edge.contracts import Frame, Prediction, Verdict
from slsg_edge.errors import StorageError
from slsg_edge.line.records import Inspection, record_of
from slsg_edge.line.sinks.json_lines import JsonLinesFile
from slsg_edge.line.sinks.rejects import RejectFolder
from slsg_edge.preprocessing import Preprocessing, Roi

SPEC = Preprocessing(8, 8)


def inspection(verdict: Verdict, index: int = 7, image: bool = True) -> Inspection:
    picture = np.full((40, 60, 3), 90, np.uint8) if image else None
    frame = Frame(index, "camera", 1700000000.0, 0.0, picture)
    decided = verdict.outcome != "undecided"
    prediction = Prediction(np.ones((8, 8), np.float32), verdict.score or 0) if decided else None
    return Inspection(record_of(frame, verdict, {"detect": 1.0}, "f"), frame, prediction)


GOOD = inspection(Verdict("good", 0.1, 0.5))
REJECT = inspection(Verdict("anomalous", 0.87654, 0.5))
UNDECIDED = inspection(Verdict("undecided", reason="detector_failed", detail="it failed"))


def test_a_file_is_appended_to_line_by_line(tmp_path):
    path = tmp_path / "verdicts.jsonl"
    for _ in range(2):
        sink = JsonLinesFile(path)
        sink.write(GOOD)
        assert path.read_bytes().endswith(b"}\n")  # before it is closed
        sink.close()
    assert [json.loads(line)["index"] for line in path.read_text().splitlines()] == [7, 7]


def test_a_line_that_a_former_run_left_unfinished_spoils_no_other(tmp_path):
    path = tmp_path / "verdicts.jsonl"
    path.write_text('{"index": 1')
    sink = JsonLinesFile(path)
    sink.write(GOOD)
    sink.close()
    assert json.loads(path.read_text().splitlines()[1])["index"] == 7


def test_a_file_in_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(StorageError, match=r"Cannot write .*absent"):
        JsonLinesFile(tmp_path / "absent" / "verdicts.jsonl")


def test_rejects_are_kept_lossless_beside_their_heat_and_named_by_index_and_score(tmp_path):
    sink = RejectFolder(tmp_path / "rejects", SPEC)
    for seen in (GOOD, REJECT, UNDECIDED):
        sink.write(seen)
    kept = {path.name.partition("_")[2]: path for path in (tmp_path / "rejects").iterdir()}
    frames = {"00000007_0.8765.png", "00000007_undecided.png"}
    assert set(kept) == {*frames, "00000007_0.8765_heat.jpg"}
    for name in frames:  # as the camera gave it
        np.testing.assert_array_equal(cv2.imread(str(kept[name])), REJECT.frame.image)
    assert np.ptp(cv2.imread(str(kept["00000007_0.8765_heat.jpg"]))) > 20  # coloured


def test_heat_is_drawn_inside_the_region_of_interest_only(tmp_path):
    sink = RejectFolder(tmp_path, Preprocessing(8, 8, roi=Roi(0, 0, 16, 16)))
    sink.write(REJECT)
    (path,) = tmp_path.glob("*_heat.jpg")
    drawn = cv2.imread(str(path)).astype(int)
    assert abs(drawn[24:, 24:] - 90).max() <= 4
    assert abs(drawn[:12, :12] - 90).max() > 20


def test_a_frame_without_an_image_leaves_no_picture(tmp_path):
    sink = RejectFolder(tmp_path, SPEC)
    sink.write(inspection(Verdict("undecided", reason="no_frame"), image=False))
    assert not list(tmp_path.iterdir())


def test_pictures_that_cannot_be_written_are_an_error_and_tried_again(tmp_path):
    folder = tmp_path / "rejects"
    sink = RejectFolder(folder, SPEC)
    folder.rmdir()
    folder.write_text("a file is in the way")
    with pytest.raises(StorageError, match="rejects"):
        sink.write(REJECT)
    folder.unlink()
    sink.write(REJECT)
    assert len(list(folder.iterdir())) == 2


def test_a_frame_is_kept_where_its_heat_cannot_be_encoded(tmp_path):
    wide = np.zeros((1, 65_501, 3), np.uint8)  # more than a JPEG can hold
    frame = replace(REJECT.frame, image=wide)
    with pytest.raises((ValueError, cv2.error)):
        RejectFolder(tmp_path, SPEC).write(replace(REJECT, frame=frame))
    (kept,) = tmp_path.iterdir()
    np.testing.assert_array_equal(cv2.imread(str(kept)), wide)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="rejects"):
        RejectFolder(tmp_path / "file" / "rejects", SPEC)
