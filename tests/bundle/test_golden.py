import numpy as np
import pytest
from bundles import unchecked

from slsg_edge.bundle.golden import (
    Difference,
    Golden,
    best_case_threshold,
    difference,
    golden_from,
)
from slsg_edge.bundle.tolerances import DEFAULTS, Tolerance
from slsg_edge.errors import BundleError, ExportError

SCORES = np.array([0.1, 0.2, 0.6, 0.9], np.float32)
LIMITS = Tolerance(1e-3, 1e-2, 1e-2, 0.9)


@pytest.fixture
def golden():
    maps = np.random.default_rng(0).random((4, 8, 8), np.float32) * 0.5
    return Golden(np.zeros((4, 8, 8, 3), np.uint8), maps, SCORES)


def test_what_was_written_is_read_again(golden, tmp_path):
    path = tmp_path / "golden.npz"
    path.write_bytes(golden.to_bytes())
    again = golden_from(unchecked(path))
    np.testing.assert_array_equal(again.anomaly_map, golden.anomaly_map)
    np.testing.assert_array_equal(again.image_score, SCORES)


@pytest.mark.parametrize("part", ["frames", "anomaly_map", "image_score", None])
def test_answers_that_do_not_fit_the_frames_are_refused(golden, tmp_path, part):
    path = tmp_path / "golden.npz"
    arrays = {
        "frames": golden.frames,
        "anomaly_map": golden.anomaly_map,
        "image_score": golden.image_score,
    }
    if part:
        np.savez(path, **{**arrays, part: arrays[part][1:]})
    else:
        path.write_bytes(golden.to_bytes()[:100])
    with pytest.raises(BundleError, match="holds no golden frames"):
        golden_from(unchecked(path))


def test_differences_are_said_where_they_exceed(golden):
    maps = golden.anomaly_map.copy()
    maps[0, 0, 0] += 0.3
    off = difference(golden, maps, SCORES + np.float32(0.02), 0.5)
    assert off.map_mean == pytest.approx(0.3 / 256, rel=1e-4)
    assert off.score == pytest.approx(0.02, rel=1e-4)
    assert off.rank == pytest.approx(1)
    assert any(text.startswith("map mean 1.2e-03 > 1.0e-03") for text in off.beyond(LIMITS))
    assert any(text.startswith("score 2.0e-02 > 1.0e-02") for text in off.beyond(LIMITS))


def test_other_ranks_exceed(golden):
    off = difference(golden, golden.anomaly_map, SCORES[[1, 0, 3, 2]], 0.5)
    assert off.rank == pytest.approx(0.6)
    assert "rank 0.600 < 0.900" in off.beyond(LIMITS)


def test_a_changed_verdict_is_beyond_every_tolerance():
    anything = Tolerance(1.0, 1.0, 1.0, 0.0)
    assert Difference(0.0, 0.0, 0.0, 1).beyond(anything) == ("1 verdicts changed",)
    assert Difference(0.0, 0.0, 0.0, 0).beyond(anything) == ()


def test_moved_scores_keep_their_verdicts_at_a_threshold_of_their_own(golden):
    moved = SCORES / 3
    assert difference(golden, golden.anomaly_map, moved, 0.5).verdicts == 2
    assert difference(golden, golden.anomaly_map, moved, 0.5, 0.1).verdicts == 0
    best_case = best_case_threshold(golden, moved, 0.5)
    assert 0.2 / 3 < best_case < 0.6 / 3


def test_scores_in_another_order_change_verdicts_at_every_threshold(golden):
    mixed = SCORES[[2, 1, 0, 3]]
    best_case = best_case_threshold(golden, mixed, 0.5)
    assert difference(golden, golden.anomaly_map, mixed, 0.5, best_case).verdicts == 1


@pytest.mark.parametrize("what", ["maps", "scores"])
def test_nan_and_other_shapes_are_refused(golden, what):
    maps, scores = golden.anomaly_map.copy(), SCORES.copy()
    (maps if what == "maps" else scores).flat[0] = np.nan
    with pytest.raises(ExportError, match=f"{what}.*not all finite"):
        difference(golden, maps, scores, 0.5)
    maps, scores = golden.anomaly_map, SCORES
    with pytest.raises(ExportError, match="The graph gives"):
        difference(golden, maps[:2], scores[:2], 0.5)


def test_fp32_is_the_tightest():
    for precision in ("fp16", "int8"):
        assert DEFAULTS[precision].map_mean > DEFAULTS["fp32"].map_mean
        assert DEFAULTS[precision].score > DEFAULTS["fp32"].score
