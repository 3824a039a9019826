import numpy as np
import pytest

from slsg_edge.runtime.fake_detector import FakeDetector

IMAGE = np.zeros((8, 8, 3), np.uint8)


def test_every_frame_has_the_score_and_a_map_of_it():
    detector = FakeDetector(0.25)
    for _ in range(3):
        prediction = detector.detect(IMAGE)
        assert prediction.image_score == 0.25
        assert prediction.anomaly_map.dtype == np.float32
        assert (prediction.anomaly_map == 0.25).all()
    assert detector.calls == 3


def test_scores_come_in_turn_and_start_again():
    detector = FakeDetector([0.1, 0.9])
    assert [detector.detect(IMAGE).image_score for _ in range(3)] == [0.1, 0.9, 0.1]


def test_an_exception_is_raised_when_its_turn_comes():
    detector = FakeDetector([0.1, OSError("lost")])
    detector.detect(IMAGE)
    with pytest.raises(OSError, match="lost"):
        detector.detect(IMAGE)
    assert detector.calls == 2


def test_a_map_is_given_as_it_is():
    heat = np.full((3, 5), np.nan, np.float32)
    assert FakeDetector(0.1, heat).detect(IMAGE).anomaly_map is heat
    assert FakeDetector(float("nan"), map_shape=(3, 5)).detect(IMAGE).anomaly_map.shape == (3, 5)


def test_no_score_at_all_is_a_mistake():
    with pytest.raises(ValueError, match="at least one score"):
        FakeDetector([])


def test_closing_is_seen():
    detector = FakeDetector()
    assert not detector.closed
    detector.close()
    assert detector.closed
