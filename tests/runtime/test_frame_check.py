"""A frame without a picture, or of another size than the training's, is undecided."""

import dataclasses
import json
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.bundle.manifest import json_from_manifest, manifest_from_json
from slsg_edge.calibration.images import scores_of
from slsg_edge.errors import DatasetError
from slsg_edge.images import Look, UsualFrames, look_of, usual_frames
from slsg_edge.preprocessing import Preprocessing, Roi
from slsg_edge.runtime.fake_detector import FakeDetector
from slsg_edge.runtime.frame_check import FrameCheck
from slsg_edge.runtime.judged import open_judged

SPEC = Preprocessing(64, 64)
RNG = np.random.default_rng(0)


def product(height=200, width=300, light=1.0):
    picture = np.full((height, width, 3), 90, np.float32)
    cv2.circle(picture, (width // 2, height // 2), height // 3, (170, 180, 190), -1)
    return np.clip(picture * light, 0, 255).astype(np.uint8)


def noise(level, spread, shape=(200, 300, 3)):
    return np.clip(RNG.normal(level, spread, shape), 0, 255).astype(np.uint8)


USUAL = usual_frames([look_of(product(light=light)) for light in (0.95, 1.0, 1.05)])
CHECK = FrameCheck(USUAL, SPEC)
OLD = FrameCheck(UsualFrames(), SPEC)

BLANK = {
    "black": np.zeros((200, 300, 3), np.uint8),
    "white": np.full((200, 300, 3), 255, np.uint8),
    "grey of a decoder": np.full((200, 300, 3), 128, np.uint8),
    "green of a decoder": np.tile(np.array([0, 135, 0], np.uint8), (200, 300, 1)),
}
CAPPED = {"lens cap": noise(4, 2), "white-out": noise(253, 2), "grey": noise(128, 2)}


@pytest.mark.parametrize("kind", [*BLANK, *CAPPED])
def test_a_frame_without_a_picture_is_found(kind):
    fault = CHECK.fault({**BLANK, **CAPPED}[kind])
    assert fault.reason == "no_picture"
    assert "good images have" in fault.detail


@pytest.mark.parametrize("kind", BLANK)
def test_an_old_bundle_finds_pictures_of_one_colour(kind):
    assert OLD.fault(BLANK[kind]).reason == "no_picture"


def test_one_spot_is_a_picture_for_an_old_bundle():
    frame = np.full((200, 300, 3), 128, np.uint8)
    frame[101:104, 7:9] = 0  # between the pixels that are looked at first
    assert OLD.fault(frame) is None


@pytest.mark.parametrize("light", [0.5, 0.7, 1.0, 1.4, 2.0])
def test_another_light_is_for_the_detector(light):
    assert CHECK.fault(product(light=light)) is None
    assert OLD.fault(product(light=light)) is None


def test_good_images_of_one_colour_make_no_frame_a_fault_by_its_contrast():
    plain = usual_frames([look_of(np.full((9, 9, 3), level, np.uint8)) for level in (90, 110)])
    assert FrameCheck(plain, SPEC).fault(np.full((9, 9, 3), 100, np.uint8)) is None


@pytest.mark.parametrize("size", [(100, 300), (400, 300), (300, 200), (480, 640)])
def test_another_size_is_found_and_both_are_said(size):
    fault = CHECK.fault(product(*size))
    assert fault.reason == "frame_size"
    assert f"{size[1]}x{size[0]}" in fault.detail
    assert "300x200" in fault.detail
    assert "`watch --any-size`" in fault.detail
    assert FrameCheck(USUAL, SPEC, any_size=True).fault(product(*size)) is None


@pytest.mark.parametrize("size", [(100, 150), (400, 600), (201, 301)])
def test_the_same_proportions_are_taken_without_a_region_and_with_enough_pixels(size):
    assert CHECK.fault(product(*size)) is None
    region = dataclasses.replace(SPEC, roi=Roi(0, 0, 50, 50))
    assert FrameCheck(USUAL, region).fault(product(*size)).reason == "frame_size"
    assert CHECK.fault(product(40, 60)).reason == "frame_size"


def test_training_images_of_several_sizes_allow_any():
    looks = [look_of(product()), look_of(product(210, 300))]
    assert usual_frames(looks).width is None
    assert FrameCheck(usual_frames(looks), SPEC).fault(product(480, 640)) is None


def test_one_empty_image_among_the_good_ones_does_not_end_the_check():
    looks = [look_of(product()), look_of(product(light=1.1)), look_of(BLANK["black"])]
    assert FrameCheck(usual_frames(looks), SPEC).fault(BLANK["black"]).reason == "no_picture"


def test_no_images_say_nothing():
    assert usual_frames([]) == UsualFrames()
    assert usual_frames([Look(4, 5, 9.0, 3.0)]) == UsualFrames(4, 5, 9.0, 9.0, 3.0)


def test_a_bundle_keeps_what_is_usual_and_an_old_one_opens_without(toy_bundle):
    manifest = dataclasses.replace(open_bundle(toy_bundle).manifest, usual=USUAL)
    content = json_from_manifest(manifest)
    assert manifest_from_json(content).usual == USUAL
    old = json.loads(content)
    del old["usual"]
    assert manifest_from_json(json.dumps(old).encode()).usual == UsualFrames()


def with_usual(folder: Path) -> Path:
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["usual"] = dataclasses.asdict(USUAL)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_the_one_judge_of_a_bundle_checks_before_the_detector_runs(toy_bundle):
    bundle = open_bundle(with_usual(toy_bundle))
    with closing(open_judged(bundle)) as judged:
        for frame, reason in (
            (BLANK["black"], "no_picture"),
            (product(480, 640), "frame_size"),
        ):
            examined = judged.examine(frame)
            assert (examined.verdict.outcome, examined.verdict.reason) == ("undecided", reason)
            assert examined.prediction is None
        assert judged.inspect(product()).reason is None
    with closing(open_judged(bundle, any_size=True)) as judged:
        assert judged.inspect(product(480, 640)).reason is None


def test_no_threshold_is_found_from_an_image_without_a_picture(tmp_path):
    good, blank = tmp_path / "good.png", tmp_path / "blank.png"
    cv2.imwrite(str(good), product(480, 640))
    cv2.imwrite(str(blank), BLANK["black"])
    check = FrameCheck(USUAL, SPEC, any_size=True)
    assert scores_of(FakeDetector(0.2), [good], check=check) == [0.2]
    with pytest.raises(DatasetError, match=r"blank\.png: there is no picture.*Take it out"):
        scores_of(FakeDetector(0.2), [good, blank], check=check)
