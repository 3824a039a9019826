import cv2
import numpy as np
import pytest

from slsg_edge.bundle.folder import Bundle, Manifest
from slsg_edge.contracts import Prediction
from slsg_edge.data.layouts import read_dataset
from slsg_edge.errors import ConfigError
from slsg_edge.evaluation.paired import Contestant, compare_detectors, sides_of
from slsg_edge.preprocessing import Preprocessing, Roi, prepare
from slsg_edge.runtime.detector import BackendChoice
from slsg_edge.runtime.fake_detector import FakeDetector
from slsg_edge.scoring import Threshold

SPEC = Preprocessing(32, 32)


class Brightness:
    """A map of how bright a frame is; no number at all for a frame brighter than `blind`."""

    name = "brightness"

    def __init__(self, gain=1.0, blind=2.0, spec=SPEC):
        self.gain, self.blind, self.spec = gain, blind, spec

    def detect(self, frame):
        heat = prepare(frame, self.spec)[..., 0].astype(np.float32) / 255
        score = float(heat.max()) * self.gain
        return Prediction(heat, score if heat.max() <= self.blind else float("nan"))

    def close(self):
        pass


def contestant(name, threshold=0.5, spec=SPEC, **options):
    return Contestant(name, Brightness(spec=spec, **options), Threshold(threshold, "manual"), spec)


@pytest.fixture
def dataset(tmp_path):
    """Good images of 20 to 100, defective ones of 90 to 210 without masks."""
    for kind, levels in (("good", range(20, 101, 20)), ("hole", range(90, 211, 30))):
        for level in levels:
            path = tmp_path / f"test/{kind}/{level:03}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), np.full((32, 32, 3), level, np.uint8))
    return read_dataset(tmp_path)


def test_each_is_judged_by_its_own_threshold(dataset):
    same = compare_detectors(
        (contestant("a", 0.4), contestant("b", 0.2, gain=0.5)), dataset, frames=0
    )
    assert same.changed == ()
    other = compare_detectors(
        (contestant("a", 0.4), contestant("b", 0.4, gain=0.5)), dataset, frames=0
    )
    assert {pair.sample.image.stem for pair in other.changed} == {"120", "150", "180"}
    assert {pair.effect for pair in other.changed} == {"wrong now"}


def test_what_one_cannot_score_changes_verdict_and_is_in_no_figure(dataset):
    found = compare_detectors(
        (contestant("a", 0.3), contestant("b", 0.3, blind=0.7)), dataset, frames=0
    )
    (first, second) = found.changed
    assert {first.effect, second.effect} == {"undecided now"}
    assert found.changes["misses"].difference.value == 0
    assert found.notes[0] == "Undecided by one or both, so in no figure: 2."
    assert "No pixel figures" in found.notes[1]
    assert "without a mask, so in no pixel figure: 5" in found.notes[2]


def test_a_map_that_is_no_number_is_undecided_as_on_the_line(dataset):
    heat = np.full((32, 32), np.nan, np.float32)
    blind = Contestant("b", FakeDetector(0.1, heat), Threshold(0.3, "manual"), SPEC)
    paired = compare_detectors((contestant("a", 0.3), blind), dataset, frames=0)
    assert {pair.effect for pair in paired.changed} == {"undecided now"}
    assert len(paired.changed) == 10


def test_other_regions_of_interest_are_said(dataset):
    half = Preprocessing(32, 32, roi=Roi(0, 0, 16, 32))
    found = compare_detectors((contestant("a"), contestant("b", spec=half)), dataset, frames=0)
    assert "Their regions of interest differ" in found.notes[0]


def side(path, backend):
    return Bundle(path, Manifest("toy", {}, SPEC)), BackendChoice(backend, "fp32", path, "as asked")


@pytest.mark.parametrize(
    ("first", "second", "names"),
    [
        (("a.slsg", "x-fp32"), ("b.slsg", "x-fp32"), ("a", "b")),
        (("a.slsg", "x-fp32"), ("a.slsg", "y-int8"), ("x-fp32", "y-int8")),
        (("a.slsg", "x-fp32"), ("b.slsg", "y-int8"), ("a x-fp32", "b y-int8")),
        (("1/a.slsg", "x-fp32"), ("2/a.slsg", "x-fp32"), ("1/a.slsg", "2/a.slsg")),
    ],
)
def test_sides_are_named_by_what_differs(tmp_path, first, second, names):
    sides = sides_of([side(tmp_path / path, backend) for path, backend in (first, second)])
    assert tuple(one.name.replace(f"{tmp_path}/", "") for one in sides) == names


def test_nothing_is_compared_with_itself(tmp_path):
    with pytest.raises(ConfigError, match="Both sides are"):
        sides_of([side(tmp_path / "a.slsg", "x-fp32")] * 2)
