"""A line of real stations, outbox and detectors, in this process."""

import json
import shutil
import time
from dataclasses import replace

import cv2
import pytest
from lines import dark_and_light, line_file, reaches, running, station, until, verdicts

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.calibration.storing import moved_by_hand, store_threshold
from slsg_edge.errors import BundleError, ConfigError, EngineError
from slsg_edge.line.service.door import LineDoor
from slsg_edge.line.service.line_service import LineService
from slsg_edge.runtime.batching import SharedDetector


def copied(bundle, name):
    target = bundle.with_name(name)
    shutil.copytree(bundle, target)
    return target


def test_every_station_has_its_verdicts_in_the_outbox_counted_and_named(toy_bundle, tmp_path):
    pictures = dark_and_light(tmp_path / "pictures")
    path = line_file(tmp_path, station("a", toy_bundle, str(pictures)), station("b", toy_bundle))
    with running(path) as service:
        reaches(service, "a", 3)
        reaches(service, "b", 5)
        found = verdicts(service, "a")
        assert [each.verdict for each in found] == ["good", "anomalous", "good"]
        assert [each.sequence for each in found] == [1, 2, 3]
        until(lambda: service.stations.named("a").ended)
        everything = [*found, *verdicts(service, "b")]
        assert len({each.id for each in everything}) == len(everything)
        counts = service.stations.named("a").status().counts
        assert counts == {"good": 2, "anomalous": 1}
        reject = tmp_path / "line-data" / found[1].image
        until(reject.exists)
        assert cv2.imread(str(reject))[1, 1].tolist() == [220] * 3
        assert found[0].image is None


def test_a_line_ends_when_every_source_is_through(toy_bundle, tmp_path):
    pictures = dark_and_light(tmp_path / "pictures")
    service = LineService(line_file(tmp_path, station("a", toy_bundle, str(pictures))), print)
    try:
        assert service.run() == "ended"
    finally:
        service.close()


def test_after_a_restart_the_sequence_goes_on(toy_bundle, tmp_path):
    path = line_file(tmp_path, station("a", toy_bundle))
    with running(path) as service:
        reaches(service, "a", 3)
    with running(path) as service:
        before = service.outbox.last_sequence("a")
        reaches(service, "a", before + 3)
        sequences = [each.sequence for each in verdicts(service, "a")]
    assert sequences == list(range(1, len(sequences) + 1))


def test_a_camera_that_is_not_there_is_undecided_and_the_others_go_on(toy_bundle, tmp_path):
    path = line_file(tmp_path, station("a", toy_bundle, "/dev/video77"), station("b", toy_bundle))
    with running(path) as service:
        reaches(service, "a", 2)
        reaches(service, "b", 5)
        lost = service.stations.named("a").status()
        assert (lost.state, "no camera /dev/video77" in lost.detail) == ("lost", True)
        assert {each.reason for each in verdicts(service, "a")} == {"no_frame"}
        assert any("a is without a picture" in each for each in LineDoor(service).status().alarms)
        assert service.stations.named("b").status().state == "ok"


def test_a_second_line_on_one_folder_is_refused(toy_bundle, tmp_path):
    path = line_file(tmp_path, station("a", toy_bundle))
    with running(path), pytest.raises(ConfigError, match="line-data"):
        LineService(path, print)


def test_a_bundle_that_is_refused_stops_its_station_only(toy_bundle, tmp_path):
    broken = copied(toy_bundle, "broken.slsg")
    (broken / "model.onnx").write_bytes(b"no graph")
    path = line_file(tmp_path, station("a", broken), station("b", toy_bundle))
    said = []
    with running(path, said) as service:
        reaches(service, "b", 3)
        status = LineDoor(service).status()
        assert not status.ready
        assert not status.station("a").ready
        assert "model.onnx" in status.station("a").detail
    assert any("model.onnx" in each for each in said)


def test_a_line_without_one_station_that_opens_says_why_and_ends(make_bundle, toy_model, tmp_path):
    path = line_file(tmp_path, station("a", make_bundle(toy_model(), None)))
    service = LineService(path, lambda text: None)
    try:
        with pytest.raises(BundleError, match="no threshold"):
            service.run()
    finally:
        service.close()


def test_a_reload_changes_one_station_and_loses_no_frame_of_another(toy_bundle, tmp_path):
    other = copied(toy_bundle, "other.slsg")
    path = line_file(tmp_path, station("a", other), station("b", toy_bundle))
    with running(path) as service:
        reaches(service, "a", 3)
        reaches(service, "b", 3)
        bundle = open_bundle(other)
        store_threshold(bundle, moved_by_hand(bundle, 0.001), "c", time.monotonic())
        service.reload()
        until(lambda: verdicts(service, "a")[-1].threshold == 0.001)
        reaches(service, "b", service.outbox.last_sequence("b") + 3)
        untouched = verdicts(service, "b")
    assert {each.threshold for each in untouched} == {0.5}
    indices = [each.index for each in untouched]
    assert indices == sorted(indices)
    assert indices[0] < indices[-1]
    # its source was not opened again: that would count its frames from 0
    assert len(set(indices)) == len(indices)


def test_after_a_reload_with_something_wrong_everything_goes_on_as_before(toy_bundle, tmp_path):
    own = copied(toy_bundle, "own.slsg")
    path = line_file(tmp_path, station("a", own))
    said = []
    with running(path, said) as service:
        reaches(service, "a", 2)
        good = path.read_text()
        path.write_text("[[station]]\nnane = 1\n")
        service.reload()
        until(lambda: any("goes on as before" in each for each in said))
        path.write_text(good)
        (own / "model.onnx").write_bytes(b"no graph")
        service.reload()
        until(lambda: any("What ran goes on" in each for each in said))
        reaches(service, "a", service.outbox.last_sequence("a") + 3)
        assert verdicts(service, "a")[-1].verdict != "undecided"
        kinds = {(each.kind, each.state) for each in service.outbox.events()}
        assert {("change", "kept"), ("detector", "kept")} <= kinds


def test_a_threshold_that_a_person_sets_judges_the_next_frames(toy_bundle, tmp_path):
    path = line_file(tmp_path, station("a", toy_bundle))
    with running(path) as service:
        reaches(service, "a", 2)
        LineDoor(service).set_threshold("a", 0.001, by="Ada", why="too many pass")
        until(lambda: verdicts(service, "a")[-1].threshold == 0.001)
        assert open_bundle(toy_bundle).manifest.threshold.method == "manual"
        assert any("Ada" in each.text for each in service.outbox.events())
        with pytest.raises(ConfigError, match="no station"):
            LineDoor(service).set_threshold("z", 0.5, by="Ada", why="")


def test_a_detector_that_fails_is_opened_anew_and_then_in_a_fresh_process(
    toy_bundle, tmp_path, monkeypatch
):
    path = line_file(tmp_path, station("a", toy_bundle))
    service = LineService(path, lambda text: None)

    def fails(self, frame):
        raise EngineError("The GPU is gone.", fix="Look at it.")

    monkeypatch.setattr(SharedDetector, "detect", fails)
    try:
        assert service.run() == "afresh"
        assert service.outbox.flush(30)
        reasons = {each.reason for each in verdicts(service, "a")}
        states = [each.state for each in service.outbox.events() if each.kind == "detector"]
    finally:
        service.close()
    assert reasons == {"detector_failed"}
    assert {"failing", "renewed", "afresh"} <= set(states)


def test_a_clock_that_jumps_is_an_event_and_ages_stay_right(toy_bundle, tmp_path, monkeypatch):
    path = line_file(tmp_path, station("a", toy_bundle))
    real = time.time
    with running(path) as service:
        reaches(service, "a", 2)
        monkeypatch.setattr(time, "time", lambda: real() - 3600)
        until(lambda: any(each.kind == "clock" for each in service.outbox.events()))
        reaches(service, "a", service.outbox.last_sequence("a") + 5)
        found = verdicts(service, "a")
    assert all(0 <= each.age_ms < 20_000 for each in found)
    assert [each.sequence for each in found] == list(range(1, len(found) + 1))


def test_what_is_told_of_a_line_can_be_written_as_json(toy_bundle, tmp_path):
    path = line_file(tmp_path, station("a", toy_bundle))
    with running(path) as service:
        reaches(service, "a", 2)
        status = LineDoor(service).status()
        told = replace(status.station("a"), newest=None)
    assert status.ready
    assert json.loads(json.dumps(told.counts))
