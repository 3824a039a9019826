"""What a station learns from its good parts, and what it warns of."""

import json
from dataclasses import replace

import numpy as np
import pytest

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.contracts import Frame
from slsg_edge.line.drift.looks import looks_of
from slsg_edge.line.drift.monitor import LEARNED, DriftMonitor
from slsg_edge.line.records import Inspection, Record
from slsg_edge.line.settings.line import DriftSettings
from slsg_edge.scoring import Threshold

DAMAGED = b'{"version": 1, "key": "KEY", "quantities": 3}'
ALWAYS = DriftSettings(false_alarms=0.001, every_s=0.0)
RNG = np.random.default_rng(5)
SCENE = np.kron(RNG.integers(40, 160, (8, 8, 1)), np.ones((8, 8, 3))).astype(np.int16)


def _picture(rng, brighter=0, blurred=False, right=0):
    picture = np.roll(SCENE, int(rng.integers(0, 2)) + right, axis=1)
    if blurred:
        picture = sum(np.roll(picture, by, axis=1) for by in range(-3, 4)) // 7
    noise = rng.normal(0, 4, picture.shape) + rng.normal(0, 2)
    return np.clip(picture + noise + brighter, 0, 255).astype(np.uint8)


def _inspection(image, number, score=0.2, verdict="good", origin="camera"):
    record = Record(
        number, origin, "", float(number), 0.0, verdict, score, 0.5, None, None, None, {}, "b"
    )
    return Inspection(record, Frame(number, origin, 0.0, float(number), image))


@pytest.fixture
def scores():
    return np.random.default_rng(9).uniform(0.1, 0.3, 1000)


@pytest.fixture
def bundle(toy_bundle):
    opened = open_bundle(toy_bundle)
    good = tuple(sorted(np.random.default_rng(8).uniform(0.1, 0.3, 100).tolist()))
    judged_by = Threshold(0.5, "manual", good_scores=(*good, 0.7, 0.8))
    return replace(opened, manifest=replace(opened.manifest, threshold=judged_by))


def _seen(monitor, scores, numbers, **look):
    rng, drifted = np.random.default_rng(numbers.start), set()
    for number in numbers:
        drifted.update(monitor.observe(_inspection(_picture(rng, **look), number, scores[number])))
    return drifted


@pytest.mark.parametrize(
    ("look", "name"),
    [
        ({"brighter": 12}, "brightness"),
        ({"blurred": True}, "sharpness"),
        ({"right": 3}, "position"),
    ],
)
def test_a_change_of_the_pictures_is_told_by_its_name(bundle, scores, look, name):
    monitor = DriftMonitor("bottles", bundle, ALWAYS, None)
    assert not _seen(monitor, scores, range(LEARNED + 50))
    assert name in _seen(monitor, scores, range(LEARNED + 50, LEARNED + 200), **look)
    assert monitor.describe()[name if name != "position" else "horizontal"] >= 1


def test_scores_are_compared_with_the_calibration_from_the_first_part(bundle, scores):
    monitor = DriftMonitor("bottles", bundle, ALWAYS, None)
    assert "score" in _seen(monitor, np.minimum(scores + 0.1, 0.45), range(60))


def test_scores_that_would_be_rejected_are_not_what_good_ones_are_compared_with(bundle, scores):
    """Two in 102 of the calibration lie above the threshold; no good part on the line does."""
    monitor = DriftMonitor("bottles", bundle, ALWAYS, None)
    assert monitor._quantities["score"].counts.sum() == 100


def test_parts_that_are_not_good_are_no_evidence(bundle, scores):
    monitor = DriftMonitor("bottles", bundle, ALWAYS, None)
    before = monitor.describe()
    for number in range(100):
        for verdict in ("anomalous", "undecided"):
            assert not monitor.observe(_inspection(_picture(RNG), number, 0.9, verdict))
    assert monitor.describe() == before


def test_pictures_of_one_camera_that_follow_closely_count_once(bundle):
    monitor = DriftMonitor("bottles", bundle, DriftSettings(every_s=10.0), None)
    for number in range(100):
        monitor.observe(_inspection(_picture(RNG), number, 0.45))
    assert monitor._quantities["score"].bets == 10
    for number in range(100, 110):  # files are parts of their own
        monitor.observe(_inspection(_picture(RNG), number, 0.45, origin=f"{number}.png"))
    assert monitor._quantities["score"].bets == 20


def test_a_restart_forgets_nothing(bundle, scores, tmp_path):
    monitor = DriftMonitor("bottles", bundle, ALWAYS, tmp_path)
    _seen(monitor, scores, range(LEARNED + 30))
    monitor.close()
    again = DriftMonitor("bottles", bundle, ALWAYS, tmp_path)
    assert again.describe() == pytest.approx(monitor.describe())
    assert "brightness" in _seen(again, scores, range(300, 400), brighter=12)


def test_another_threshold_begins_anew(bundle, scores, tmp_path):
    monitor = DriftMonitor("bottles", bundle, ALWAYS, tmp_path)
    _seen(monitor, scores, range(30))
    monitor.close()
    judged_by = replace(bundle.manifest.threshold, false_alarm_rate=0.1)
    other = replace(bundle, manifest=replace(bundle.manifest, threshold=judged_by))
    again = DriftMonitor("bottles", other, ALWAYS, tmp_path)
    _seen(again, scores, range(1))
    assert again._quantities["score"].bets == 1


def test_scores_are_compared_with_those_of_the_threshold_that_judges(bundle, scores):
    """A quantised model gives other scores, and has a threshold of its own."""
    lower = tuple(score / 2 for score in bundle.manifest.threshold.good_scores[:100])
    own = Threshold(0.3, "manual", good_scores=lower)
    quantised = replace(bundle.manifest, thresholds={"openvino-int8": own})
    monitor = DriftMonitor("bottles", replace(bundle, manifest=quantised), ALWAYS, None)
    drifted = set()
    for number in range(100):
        inspection = _inspection(_picture(RNG), number, scores[number] / 2)
        record = replace(inspection.record, threshold=0.3)
        drifted.update(monitor.observe(replace(inspection, record=record)))
    assert "score" not in drifted


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b'{"version": 1}',
        b"\xff",
        b'{"version": 1, "key": "KEY", "quantities": 3}',
    ],
)
def test_a_damaged_state_begins_anew(bundle, scores, tmp_path, damage):
    monitor = DriftMonitor("bottles", bundle, ALWAYS, tmp_path)
    path = tmp_path / "drift" / "bottles.json"
    _seen(monitor, scores, range(1))
    monitor.close()
    key = json.loads(path.read_text())["key"]
    path.write_bytes(damage.replace(b"KEY", key.encode()))
    assert not _seen(DriftMonitor("bottles", bundle, ALWAYS, tmp_path), scores, range(10))


def test_it_never_raises(bundle, tmp_path):
    (tmp_path / "drift").write_text("no folder")
    monitor = DriftMonitor("bottles", bundle, ALWAYS, tmp_path)
    for image in (None, np.zeros((1, 1, 3), np.uint8), np.zeros((0, 0, 3), np.uint8)):
        assert monitor.observe(_inspection(image, 1)) == ()
    monitor.close()


def test_it_can_be_switched_off(bundle, scores, tmp_path):
    monitor = DriftMonitor("bottles", bundle, DriftSettings(enabled=False), tmp_path)
    assert not _seen(monitor, np.full(1000, 0.49), range(60))
    monitor.close()
    assert not (tmp_path / "drift").exists()


@pytest.mark.parametrize("shape", [(2, 2, 3), (3, 500, 3), (97, 191, 3), (1080, 1920, 3)])
def test_looks_of_any_size_are_shares(shape):
    looks = looks_of(np.random.default_rng(1).integers(0, 255, shape).astype(np.uint8))
    assert all(0 <= value <= 1 for value in looks.values())
