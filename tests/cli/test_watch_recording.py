"""`watch --record`: the first frames of a new line, for a person to sort."""

import cv2
import numpy as np
from watch_process import run

from slsg_edge.calibration.reviewed import choose_reviewed


def test_the_first_frames_are_recorded_for_a_person_to_sort(toy_bundle, images):
    code, records, err = run(toy_bundle, images, "--record", 2, "--backend", "onnxruntime")
    assert (code, len(records)) == (0, 4)
    folder = toy_bundle.with_name("made-recorded")
    kept = sorted(folder.iterdir())
    for path, image in zip(kept, ("0.png", "1.png"), strict=True):
        np.testing.assert_array_equal(cv2.imread(str(path)), cv2.imread(str(images / image)))
    command = f"slsg-edge calibrate {toy_bundle} --add-reviewed {folder} --backend onnxruntime"
    assert f"recorded: 2 in {folder}\nnext: Move the good ones into {folder}/good" in err
    assert err.endswith(f"{folder}/bad, then run: {command}\n")
    (folder / "good").mkdir()
    kept[0].rename(folder / "good" / kept[0].name)
    assert list(choose_reviewed(folder, ()).good.values()) == [folder / "good" / kept[0].name]


def test_frames_are_recorded_where_they_are_wanted_and_a_fault_is_none(toy_bundle, images):
    folder = images.parent / "my frames"
    _, _, err = run(toy_bundle, images, "--record", 9, "--record-to", folder)
    assert len(list(folder.iterdir())) == 3
    assert f"recorded: 3 in {folder}" in err
    assert f"--add-reviewed '{folder}'" in err


def test_a_bundle_given_as_the_folder_where_one_is_has_its_recording_beside_it(
    toy_bundle, images, monkeypatch
):
    monkeypatch.chdir(toy_bundle)
    assert run(".", images, "--record", 1)[0] == 0
    assert len(list(toy_bundle.with_name("made-recorded").iterdir())) == 1


def test_a_disk_that_fails_ends_the_recording_with_one_warning_and_not_the_watch(
    toy_bundle, images
):
    (images.parent / "file").write_text("")
    folder = images.parent / "file" / "recorded"
    code, records, err = run(toy_bundle, images, "--record", 3, "--record-to", folder)
    assert (code, len(records)) == (0, 4)
    assert err.count("Verdicts go on without a recording.") == 1
    assert "recorded:" not in err
