"""Stations that run the same model share one detector."""

import time
from dataclasses import replace

import numpy as np
import pytest

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.calibration.storing import moved_by_hand, store_threshold
from slsg_edge.errors import BundleError
from slsg_edge.line.service.detectors import Detectors
from slsg_edge.line.settings.line import StationSettings


@pytest.fixture
def detectors():
    return Detectors(4, threads=1)


def station(bundle, **changes):
    return replace(StationSettings("a", "test:", bundle), **changes)


def grey(level, size=(40, 60)):
    frame = np.full((*size, 3), level, np.uint8)
    frame[::2] += 6  # not all of one colour
    return frame


def test_two_stations_of_one_bundle_share_and_each_looks_at_its_own_region(detectors, toy_bundle):
    left = detectors.open(station(toy_bundle, roi=(0, 0, 30, 40)))
    right = detectors.open(station(toy_bundle, roi=(30, 0, 30, 40)))
    assert left.shared is right.shared
    frame = grey(40)
    frame[:, 30:] += 180
    assert left.judged.inspect(frame).outcome == "good"
    assert right.judged.inspect(frame).outcome == "anomalous"
    left.judged.close()
    assert right.judged.inspect(frame).outcome == "anomalous"
    right.judged.close()


def test_the_last_station_closes_it_and_the_next_opens_another(detectors, toy_bundle):
    first = detectors.open(station(toy_bundle))
    first.judged.close()
    first.judged.close()  # once is enough
    assert first.judged.inspect(grey(40)).outcome == "undecided"
    second = detectors.open(station(toy_bundle))
    assert second.shared is not first.shared
    assert second.judged.inspect(grey(40)).outcome == "good"
    second.judged.close()


def test_a_forgotten_detector_serves_who_has_it_until_they_leave(detectors, toy_bundle):
    old = detectors.open(station(toy_bundle))
    assert detectors.forget(old)
    new = detectors.open(station(toy_bundle))
    assert new.shared is not old.shared
    assert not detectors.forget(old)
    for opened in (old, new):
        assert opened.judged.inspect(grey(40)).outcome == "good"
        opened.judged.close()


def test_another_threshold_needs_no_other_detector(detectors, toy_bundle):
    before = detectors.open(station(toy_bundle))
    bundle = open_bundle(toy_bundle)
    store_threshold(bundle, moved_by_hand(bundle, 0.1), "c", time.monotonic())
    after = detectors.open(station(toy_bundle))
    assert after.shared is before.shared
    assert before.judged.inspect(grey(40)).outcome == "good"
    assert after.judged.inspect(grey(40)).outcome == "anomalous"
    assert before.judged.fingerprint != after.judged.fingerprint
    for opened in (before, after):
        opened.judged.close()


def test_a_bundle_without_a_threshold_is_refused_and_nothing_stays_open(
    detectors, make_bundle, toy_model
):
    with pytest.raises(BundleError, match="no threshold"):
        detectors.open(station(make_bundle(toy_model(), None)))
    assert detectors._shared == {}
