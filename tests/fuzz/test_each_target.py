"""Each reader of what comes from outside, on nearly valid and on nasty inputs.

The long runs are `make fuzz`; what they found is in the other files here.
"""

from contextlib import suppress
from itertools import islice
from pathlib import Path
from random import Random

import pytest
from fuzz.campaign import Counts, input_of, seeds_of
from fuzz.campaign import run as campaign
from fuzz.mutation import NASTY, mutated
from fuzz.target import Target, TooSlow, at_most, refused
from fuzz.targets import TARGETS

hypothesis = pytest.importorskip("hypothesis", reason="the dev extra is not installed")
st = pytest.importorskip("hypothesis.strategies")

SLOW = {"outbox.db": 4, "http request": 20, "film": 15, "modbus request": 20}
NEEDS = {
    "film": "av", "http request": "starlette", "modbus request": "pymodbus", "mqtt packet": "paho",
}  # fmt: skip


@pytest.fixture(params=TARGETS)
def target(request):
    name = request.param
    pytest.importorskip("cv2", reason="pictures need OpenCV")
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    return TARGETS[name]


def test_a_valid_input_is_taken(target, tmp_path):
    assert not any(refused(target, seed, tmp_path) for seed in seeds_of(target.name))


def test_what_is_nearly_valid(target, tmp_path):
    """Hypothesis draws what is changed, and would make a failure as small as it can."""

    @hypothesis.given(st.randoms(use_true_random=False))
    @hypothesis.settings(
        max_examples=SLOW.get(target.name, 30),
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    def check(rng):
        content = mutated(rng, seeds_of(target.name), target.tokens)
        refused(target, target.mend(rng, content) if target.mend else content, tmp_path)

    check()


def test_what_is_nasty(target, tmp_path):
    """Alone, in the place of each part, and every beginning of a valid input."""
    few = SLOW.get(target.name, len(NASTY))
    for nasty in NASTY[:few]:
        refused(target, nasty, tmp_path)
    seed = seeds_of(target.name)[0]
    step = max(1, len(seed) // min(few, 25))
    for end in range(0, len(seed), step):
        refused(target, seed[:end], tmp_path)
        refused(target, seed[:end] + NASTY[end % len(NASTY)] + seed[end + 8 :], tmp_path)


def test_a_seed_gives_the_same_input_again():
    for name in ("manifest", "image.png", "line.toml"):
        inputs = [input_of(TARGETS[name], seed) for seed in range(20)]
        assert inputs == [input_of(TARGETS[name], seed) for seed in range(20)]
        assert len(set(inputs)) > 10


@pytest.mark.parametrize("error", [RuntimeError("no refusal"), AssertionError("wrong")])
def test_a_failure_is_counted_and_kept(tmp_path, error, monkeypatch):
    def fail(content: bytes, _: Path) -> None:
        if b"a" in content:
            raise error

    broken = Target("broken", lambda: [b"a", b"b"], fail)
    monkeypatch.setattr("fuzz.campaign.TARGETS", {"broken": broken})
    counts = campaign(broken, 0.05, 0, tmp_path)
    seeds_of.cache_clear()
    assert counts.failed > 0
    assert counts.executions >= counts.failed
    kept = next(path for path in tmp_path.iterdir() if path.suffix != ".txt")
    assert b"a" in kept.read_bytes()
    assert type(error).__name__ in kept.with_name(f"{kept.name}.txt").read_text()


def _never_end():
    with at_most(0.01):
        while True:
            with suppress(Exception):
                sum(range(1000))


def test_what_takes_too_long_is_a_failure():
    with pytest.raises(TooSlow):
        _never_end()


def test_changes_are_many():
    rng = Random(0)
    made = {mutated(rng, [b'{"a": 1.5, "b": [true, "text"]}']) for _ in range(300)}
    assert len(made) > 250
    assert any(b"NaN" in one for one in islice(made, 300))
    assert Counts().failed == 0
