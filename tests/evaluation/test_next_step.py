import shlex
from dataclasses import replace

import pytest
from bundles import with_file

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.bundle.good_scores import GoodScore, GoodScores, good_scores_file
from slsg_edge.calibration.operating_points import AcquiredScore, choose_threshold
from slsg_edge.calibration.threshold import images_needed, threshold_from_scores
from slsg_edge.evaluation.next_step import Setup, next_step, threshold_text, threshold_warning
from slsg_edge.evaluation.verdicts import judgement_of
from slsg_edge.reports.case import Case
from slsg_edge.scoring import Threshold

FROM_GOOD = Threshold(
    0.8,
    "tail",
    0.001,
    (0.5, 0.9999999),
    good_scores=tuple(0.1 + index / 100 for index in range(40)),
)


def images(kind, *scores, threshold=0.8):
    return [
        Case(f"{index}.png", kind, "anomalous" if score > threshold else "good", score)
        for index, score in enumerate(scores)
    ]


@pytest.fixture
def step_for(toy_bundle, tmp_path):
    def find(cases, threshold=FROM_GOOD, backend="onnxruntime-fp32", **options):
        value = threshold.value if threshold else None
        setup = Setup(open_bundle(toy_bundle), backend, threshold, tmp_path / "my data")
        return next_step(judgement_of(cases, value, **options), cases, setup)

    return find


HALF_MISSED = [*images("good", *[0.2] * 48), *images("hole", *[0.6] * 20, *[0.9] * 10)]


def test_a_higher_false_alarm_rate_is_proposed_with_what_it_would_do_here(step_for, toy_bundle):
    step = step_for(HALF_MISSED)
    # 40 good scores settle 1 in 41 at least; the largest of them is 0.49
    # nothing was left by training, so the images are asked for again
    assert step.command == f"slsg-edge calibrate {toy_bundle} --images DIR --false-alarms 0.025"
    assert step.text == (
        "Allow more false alarms (2.5 %): of these images it would then miss 0 of 30 defects and "
        "reject 0 of 48 good parts"
    )
    assert str(step) == f"{step.text}: {step.command}"


def kept(bundle, count):
    """The bundle with the scores of images 0, 1 and so on that training left."""
    good = tuple(GoodScore(str(index), 0.1, "left-out") for index in range(count))
    return with_file(bundle, "good_scores.json", good_scores_file(GoodScores(good)))


def test_where_training_left_the_scores_no_images_are_asked_for(step_for, toy_bundle):
    kept(open_bundle(toy_bundle), 40)
    threshold = replace(FROM_GOOD, images=tuple(map(str, range(40))))
    command = f"slsg-edge calibrate {toy_bundle} --false-alarms 0.025"
    assert step_for(HALF_MISSED, threshold).command == command
    joined = replace(threshold, images=("another", *threshold.images))
    assert "--images DIR" in step_for(HALF_MISSED, joined).command
    assert "--images DIR" in step_for(HALF_MISSED, threshold, backend="openvino-int8").command


def test_a_rate_is_that_of_an_operating_point_where_there_are_some(step_for, toy_bundle):
    """Good parts of another day score higher, so the points lie above those of all scores."""
    good = [AcquiredScore(0.1 + index / 1000, "monday") for index in range(200)]
    good += [AcquiredScore(0.4 + index / 1000, "friday") for index in range(60)]
    threshold = choose_threshold(good, {}, 0.001)
    for score, settled, advice in ((0.4575, 0.02, "--false-alarms 0.05"), (0.45, 0.05, "train")):
        cases = [
            *images("good", *[0.2] * 48, threshold=threshold.value),
            *images("hole", *[score] * 30, threshold=threshold.value),
        ]
        # what all scores alike would have given
        assert threshold_from_scores(threshold.good_scores, settled).value < score
        assert advice in step_for(cases, threshold).command


def test_a_rate_is_written_so_that_it_is_the_same_number(toy_bundle, tmp_path):
    setup = Setup(open_bundle(toy_bundle), "onnxruntime-fp32", FROM_GOOD, tmp_path)
    words = setup.calibrate_for(1 / 300).split()
    assert images_needed(float(words[-1])) == images_needed(1 / 300) == 299
    assert setup.calibrate_for(0.05).endswith("--false-alarms 0.05")


def test_a_wide_band_is_no_image_that_was_not_inspected(step_for):
    held = [Case("x.png", "hole", "undecided", 0.7)] * 10
    cases = [*images("good", *[0.2] * 40), *images("hole", *[0.9] * 40), *held]
    assert "watch" in step_for(cases).command


def test_the_rate_is_the_one_that_tells_them_apart_best(step_for):
    cases = [*images("good", *[0.2] * 38, 0.47, 0.475), *images("hole", *[0.48] * 10, *[0.46] * 20)]
    assert "--false-alarms 0.1" in step_for(cases).command
    cases = [*images("good", *[0.2] * 38, 0.47, 0.475), *images("hole", *[0.6] * 30)]
    assert "--false-alarms 0.025" in step_for(cases).command


def test_the_backend_that_was_judged_gets_the_new_threshold(step_for):
    step = step_for(HALF_MISSED, backend="openvino-int8")
    assert step.command.endswith("--backend openvino-int8")


def test_where_no_rate_helps_another_detector_is_trained_on_the_same_data(step_for, tmp_path):
    cases = [*images("good", *[0.2] * 48), *images("hole", *[0.15] * 30)]
    words = shlex.split(step_for(cases).command)
    assert words[:3] == ["slsg-edge", "train", str(tmp_path / "my data")]
    assert words[-2:] == ["--detector", "auto"]


def test_a_rate_that_hardly_helps_is_not_proposed(step_for):
    cases = [*images("good", *[0.2] * 48), *images("hole", *[0.15] * 29, 0.6)]
    assert "train" in step_for(cases).command


def test_a_threshold_by_hand_is_found_from_good_images(step_for):
    step = step_for(HALF_MISSED, Threshold(0.8, "manual"))
    assert "--images DIR --false-alarms 0.05" in step.command


def test_without_a_threshold_the_first_step_is_to_find_one(step_for, toy_bundle):
    cases = [replace(case, outcome=None) for case in HALF_MISSED]
    assert step_for(cases, None).command == f"slsg-edge calibrate {toy_bundle} --images DIR"


@pytest.mark.parametrize(
    ("good", "hole", "text"),
    [
        ([0.2] * 40 + [0.9] * 3, [0.9] * 40, "from more good images"),
        ([0.2] * 40, [0.9] * 5, "Test more images: 13 defective and 40 good ones"),
        ([0.2] * 40, [], "put pictures of defective parts in test/KIND"),
        ([], [0.9] * 40, "pictures of good parts that were not trained on"),
        ([0.2] * 40, [0.9] * 40, "watch"),
    ],
)
def test_the_step_is_the_one_that_stands_in_the_way(step_for, good, hole, text):
    assert text in str(step_for([*images("good", *good), *images("hole", *hole)]))


def test_what_was_not_inspected_comes_first(step_for):
    blind = [Case("x.png", "hole", "undecided", None)] * 10
    assert "why images were not inspected" in step_for([*HALF_MISSED, *blind]).text


def test_after_simulated_anomalies_real_defects_are_wanted(step_for):
    cases = [*images("good", *[0.2] * 40), *images("hole", *[0.9] * 40)]
    assert "defective parts" in step_for(cases, simulated=True).text


def test_a_threshold_says_how_many_images_it_is_from_and_how_sure_it_is():
    text = threshold_text(FROM_GOOD)
    assert text.startswith("0.8, set from 40 good images for 1 false alarm in 1000")
    assert text.endswith("90 % interval 0.5 to 1")
    assert threshold_text(Threshold(0.4, "manual")) == "0.4, set by hand"


def test_an_interval_that_reaches_1_or_spans_the_defects_is_warned_of():
    warning = threshold_warning(FROM_GOOD, HALF_MISSED)
    assert "reaches 1: 40 good images" in warning
    assert "might lie above 30 of these 30 defects" in warning
    narrow = replace(FROM_GOOD, interval=(0.5, 0.85))
    assert "spans 20 of 30 defects" in threshold_warning(narrow, HALF_MISSED)
    assert threshold_warning(replace(FROM_GOOD, interval=(0.7, 0.85)), HALF_MISSED) is None
    assert threshold_warning(Threshold(0.4, "manual"), HALF_MISSED) is None
