import numpy as np
import pytest

from slsg_edge.errors import StorageError
from slsg_edge.metrics.runs import Runs, walk


@pytest.fixture(params=[0, 10**6], ids=["on disk", "in memory"])
def runs(request, tmp_path):
    # 0 would mean that nothing ever moves to disk
    found = Runs(tmp_path, in_memory=request.param or 1)
    yield found
    found.close()


def filled(runs, seed=0, values=3000):
    rng = np.random.default_rng(seed)
    parts = [np.sort(rng.integers(0, values, size)) / 1000 for size in (5000, 1, 0, 700, 1025)]
    for index, part in enumerate(parts):
        runs.append(part.astype(np.float32 if index % 2 else np.float64))
    return parts


def test_runs_come_back_as_they_were(runs):
    parts = filled(runs)
    assert len(runs) == 5
    for index, part in enumerate(parts):
        assert runs.length(index) == len(part)
        found = runs.read(index)
        assert found.dtype == (np.float32 if index % 2 else np.float64)
        np.testing.assert_allclose(found, part, rtol=1e-6)


@pytest.mark.parametrize(("low", "high"), [(-np.inf, np.inf), (0.5, 0.6), (0, 2.999), (4, 5)])
def test_what_lies_between_two_values_is_found_without_reading_all(runs, low, high):
    for index, part in enumerate(filled(runs)):
        part = part.astype(runs.read(index).dtype)
        np.testing.assert_array_equal(
            runs.between(index, low, high), part[(part >= low) & (part < high)]
        )


@pytest.mark.parametrize("values", [3000, 7, 1])
def test_a_walk_ranks_every_score_among_the_chosen_runs(runs, values):
    parts = filled(runs, values=values)
    chosen = [0, 3]
    pooled = np.sort(np.concatenate([runs.read(run) for run in chosen]))
    needles = np.unique(np.concatenate([*parts, [-1.0, 9.0, 0.0005]]))
    below, not_above = [], []
    for block in walk(runs, chosen, np.empty(0), 512):
        assert len(block.inner) <= 2 * 512  # however many are tied
        some = needles[(needles >= block.low) & (needles < block.high)]
        ranks = block.ranks(some)
        below.append(ranks[0])
        not_above.append(ranks[1])
    np.testing.assert_array_equal(np.concatenate(below), np.searchsorted(pooled, needles, "left"))
    np.testing.assert_array_equal(
        np.concatenate(not_above), np.searchsorted(pooled, needles, "right")
    )


def test_a_folder_that_is_not_there_is_said(tmp_path):
    found = Runs(tmp_path / "none", in_memory=1)
    with pytest.raises(StorageError, match="none"):
        found.append(np.zeros(100, np.float32))
    found.close()


def test_a_value_that_fills_whole_runs_is_counted_and_not_held(runs):
    for _ in range(3):
        runs.append(np.repeat(np.float32([0, 0.5]), [5000, 3]))
    at_low, inner = runs.gather([0, 2], 0, 1)
    assert at_low == 10000
    assert inner.tolist() == [0.5] * 6
