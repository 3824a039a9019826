"""The scores that training leaves in a bundle: the same when read, and refused when damaged."""

import json
import math

import pytest
from bundles import with_file

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.bundle.good_scores import (
    GoodScore,
    GoodScores,
    good_scores_file,
    good_scores_of,
)
from slsg_edge.bundle.plan import GOOD_SCORES_FILE
from slsg_edge.contracts import SimulatedScore
from slsg_edge.errors import UntrustedBundle

SCORES = GoodScores(
    (
        GoodScore("a" * 64, 0.0, "left-out"),
        GoodScore("b" * 64, 1 / 3, "held-out", "monday"),
        GoodScore("c" * 64, 1.0, "left-out", "dienstag, früh"),
    ),
    (SimulatedScore("texture", 0.02, 0.1 + 0.2), SimulatedScore("fractal", 1.0, 1e-12)),
)


@pytest.fixture
def bundle(toy_bundle):
    return open_bundle(toy_bundle)


def test_they_are_read_as_they_were_written(bundle):
    done = with_file(bundle, GOOD_SCORES_FILE, good_scores_file(SCORES))
    assert good_scores_of(open_bundle(done.path)) == SCORES


def test_a_bundle_of_before_has_none(bundle):
    assert good_scores_of(bundle) == GoodScores()


def test_a_training_that_left_none_has_none(bundle):
    done = with_file(bundle, GOOD_SCORES_FILE, good_scores_file(GoodScores()))
    assert good_scores_of(done) == GoodScores()


def test_a_file_that_was_changed_is_not_trusted(bundle):
    done = with_file(bundle, GOOD_SCORES_FILE, good_scores_file(SCORES))
    (done.path / GOOD_SCORES_FILE).write_bytes(good_scores_file(GoodScores()))
    with pytest.raises(UntrustedBundle, match=GOOD_SCORES_FILE):
        good_scores_of(open_bundle(done.path))


def good(**changes):
    return {"image": "a", "score": 0.1, "how": "left-out", "acquisition": "", **changes}


def simulated(**changes):
    return {"kind": "texture", "share": 0.1, "score": 0.1, **changes}


@pytest.mark.parametrize(
    "table",
    [
        "text",
        [],
        {"good": 3},
        {"good": [good(how="guessed")]},
        {"good": [good(score="high")]},
        {"good": [{"image": "a"}]},
        {"good": [], "more": 1},
        {"simulated": [simulated(kind=3)]},
        {"simulated": [simulated(share=1.5)]},
        {"simulated": [simulated(share=-0.1)]},
    ],
)
def test_a_file_of_another_shape_is_an_error(bundle, table):
    done = with_file(bundle, GOOD_SCORES_FILE, json.dumps(table).encode())
    with pytest.raises(UntrustedBundle, match=r"good_scores\.json is damaged"):
        good_scores_of(done)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe"])
def test_a_file_that_is_no_json_is_an_error(bundle, content):
    done = with_file(bundle, GOOD_SCORES_FILE, content)
    with pytest.raises(UntrustedBundle, match=r"good_scores\.json is damaged"):
        good_scores_of(done)


def test_a_score_of_a_broken_detector_says_to_train_again(bundle):
    broken = GoodScores((GoodScore("a", math.nan, "held-out"),))
    done = with_file(bundle, GOOD_SCORES_FILE, good_scores_file(broken))
    with pytest.raises(UntrustedBundle, match=r"NaN is no number.*train again"):
        good_scores_of(done)
