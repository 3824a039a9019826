"""Every pair of commands that commit on one bundle at once: neither undoes the other."""

from itertools import permutations

import pytest

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.bundle.plan import PLAN
from slsg_edge.errors import BundleChanged, StaleBundle

# By stage: the files that it writes, and what it read before.
STAGES = {
    "train": (("weights.safetensors", "frames.npz"), ()),
    "export": (("model.onnx", "golden.npz"), ("weights.safetensors",)),
    "calibrate": ((), ("model.onnx",)),
    "threshold-openvino-fp32": ((), ("model.onnx",)),
    "calibrate-int8": (("model.int8.onnx",), ("model.onnx",)),
    "build-engine:sm_90-fp16": (("engines/sm_90-fp16.engine",), ("model.onnx",)),
    "build-engine:rtx-fp16": (("engines/rtx-fp16.engine",), ("model.onnx",)),
}


def commit(opened, stage, word):
    files, inputs = STAGES[stage]
    return opened.commit(
        stage,
        {name: f"{stage} {word}".encode() for name in files},
        command=f"slsg-edge {word}",
        started=0.0,
        inputs=inputs,
    )


@pytest.fixture
def whole(toy_bundle):
    """A bundle in which each stage has run once."""
    for stage in STAGES:
        commit(open_bundle(toy_bundle), stage, "first")
    return toy_bundle


@pytest.mark.parametrize(("slow", "quick"), [*permutations(STAGES, 2)])
def test_what_the_quick_one_wrote_stands_and_the_slow_one_stands_or_is_refused(whole, slow, quick):
    opened = open_bundle(whole)
    commit(open_bundle(whole), quick, "quick")
    inputs = STAGES[slow][1]
    try:
        commit(opened, slow, "slow")
        refused = False
    except (BundleChanged, StaleBundle):
        refused = True
    now = open_bundle(whole)
    assert now.manifest.stages[quick].command == "slsg-edge quick"
    assert now.manifest.stages[slow].command == ("slsg-edge first" if refused else "slsg-edge slow")
    anew = quick == "train" or (quick == "export" and slow != "train")
    assert refused == (anew and bool(inputs))
    for stage, word in ((quick, "quick"), (slow, "first" if refused else "slow")):
        for name in STAGES[stage][0]:
            assert (whole / name).read_bytes() == f"{stage} {word}".encode()


def test_each_planned_stage_is_in_a_pair():
    from fnmatch import fnmatchcase

    for planned in PLAN:
        assert any(fnmatchcase(stage, planned.name) for stage in STAGES)
