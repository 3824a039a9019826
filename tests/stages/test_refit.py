"""A backend whose scores moved gets a threshold of its own, one whose scores did not gets none."""

import shutil

import pytest

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.runtime.judged import open_judged
from slsg_edge.stages.threshold import (
    Choice,
    calibrate,
    has_threshold,
    refit_if_moved,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def bundle(quantised_bundle, sample_data, tmp_path):
    shutil.copytree(quantised_bundle("edge"), tmp_path / "edge.slsg")
    opened = open_bundle(tmp_path / "edge.slsg")
    assert not has_threshold(opened)
    return calibrate(opened, sample_data, Choice(0.05), command="slsg-edge calibrate").bundle


def test_fp32_keeps_the_reference_threshold(bundle, sample_data):
    refit = refit_if_moved(bundle, "openvino-fp32", sample_data, "slsg-edge build-engine")
    assert refit.difference.score < 1e-3
    assert refit.threshold is None
    assert refit.missing is None


def test_int8_gets_a_threshold_from_its_own_scores(bundle, sample_data):
    refit = refit_if_moved(bundle, "openvino-int8", sample_data, "slsg-edge build-engine")
    assert refit.threshold != bundle.manifest.threshold
    judged = open_judged(refit.bundle, "openvino-int8")
    judged.close()
    assert judged.threshold == refit.threshold
    assert refit.threshold.false_alarm_rate == 0.05


def test_without_images_the_command_that_finds_it_is_named(bundle):
    refit = refit_if_moved(bundle, "openvino-int8", None, "slsg-edge build-engine")
    assert refit.threshold is None
    assert "calibrate" in refit.missing
    assert "openvino-int8" in refit.missing
