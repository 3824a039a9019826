"""What `verify` says of thresholds, and what fails under --strict."""

import json
import time

import pytest
import typer
from bundles import sets, with_threshold
from typer.testing import CliRunner

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.calibration.operating_points import AcquiredScore, choose_threshold
from slsg_edge.cli.verify import verify
from slsg_edge.evaluation.verify import threshold_doubts
from slsg_edge.scoring import Threshold


def run(*arguments):
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(verify)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def bundle(make_bundle, toy_model):
    """With golden frames and without a threshold."""
    return open_bundle(make_bundle(toy_model(), None))


GOOD = tuple(AcquiredScore(0.1 + index / 1000) for index in range(60))
SOUND = choose_threshold(GOOD, {"texture, small": (0.9,) * 10})


@pytest.mark.parametrize(
    ("threshold", "said"),
    [
        (None, "has no threshold yet. Run: slsg-edge calibrate"),
        (choose_threshold(GOOD, {"texture, small": (0.05,) * 10}), "This threshold is weak"),
        (choose_threshold(GOOD, {}, 0.001), "is extrapolated from the tail"),
    ],
)
def test_a_threshold_that_is_not_sound_is_noted_and_fails_under_strict(bundle, threshold, said):
    made = with_threshold(bundle, threshold) if threshold else bundle
    arguments = (made.path, "--backend", "onnxruntime-fp32")
    noted, strict = run(*arguments), run(*arguments, "--strict")
    assert (noted.exit_code, strict.exit_code) == (0, 1)
    assert "note: " in noted.stdout
    assert "failed, as --strict asks: " in strict.stdout
    assert said in noted.stdout
    assert said in strict.stdout
    shown = run(*arguments, "--strict", "--json")
    assert shown.exit_code == 1
    table = json.loads(shown.stdout)
    assert table["passed"] is False
    assert said in table["doubts"][0]
    assert json.loads(run(*arguments, "--json").stdout)["passed"] is True


@pytest.mark.parametrize("threshold", [SOUND, Threshold(0.5, "manual")])
def test_a_sound_threshold_and_one_by_hand_pass_under_strict(bundle, threshold):
    result = run(with_threshold(bundle, threshold).path, "--strict")
    assert result.exit_code == 0
    assert "strict" not in result.stdout
    assert "note: " not in result.stdout


def test_a_threshold_that_a_backend_has_for_itself_is_doubted_by_name(bundle):
    made = with_threshold(bundle, SOUND).commit(
        "threshold-openvino-fp16",
        {},
        command="c",
        started=time.monotonic(),
        inputs=("model.onnx",),
        update=sets(thresholds={"openvino-fp16": choose_threshold(GOOD, {}, 0.001)}),
    )
    (doubt,) = threshold_doubts(made)
    assert doubt.startswith("openvino-fp16: 60 good images cannot show")
