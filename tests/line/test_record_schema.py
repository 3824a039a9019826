"""What is written of a frame is what the published schema says."""

import json
import time
from dataclasses import asdict, replace

import jsonschema
import numpy as np
import pytest

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.contracts import Fault, Frame
from slsg_edge.line.record_schema import record_schema, record_schema_file, record_schema_text
from slsg_edge.line.records import json_line
from slsg_edge.line.watching import inspection_of
from slsg_edge.runtime.judged import open_judged


def test_the_shipped_schema_is_the_one_that_is_made():
    """Where this fails: write `record_schema_text()` into `record_schema_file()`."""
    assert record_schema_file().read_text(encoding="utf-8") == record_schema_text()
    jsonschema.Draft202012Validator.check_schema(record_schema())


@pytest.fixture(scope="module")
def validator():
    return jsonschema.Draft202012Validator(record_schema())


@pytest.fixture
def records(toy_bundle):
    """One of each verdict."""
    grey = [np.full((32, 32, 3), level, np.uint8) for level in (40, 220)]
    frames = [Frame(0, "0", time.time(), time.monotonic(), image) for image in grey]
    frames.append(Frame(2, "0", time.time(), time.monotonic(), fault=Fault("no_frame", "gone")))
    with open_judged(open_bundle(toy_bundle)) as judged:
        return [inspection_of(frame, judged).record for frame in frames]


def test_real_verdicts_are_valid(records, validator):
    assert [record.verdict for record in records] == ["good", "anomalous", "undecided"]
    for record in records:
        on_a_line = replace(record, station="a", sequence=3, image="a.png", drift=("score",))
        for each in (record, on_a_line):
            validator.validate(json.loads(json_line(each)))


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "fine"},
        {"score": None},
        {"score": 1.5},
        {"reason": "no_frame"},
        {"reason": "because"},
        {"drift": "score"},
        {"version": 2},
        {"id": 5},
    ],
)
def test_what_is_no_verdict_is_not_valid(records, validator, change):
    good = json.loads(json.dumps(asdict(records[0])))
    assert validator.is_valid(good)
    assert not validator.is_valid({**good, **change})


def test_an_undecided_verdict_has_a_reason(records, validator):
    undecided = json.loads(json.dumps(asdict(records[2])))
    assert not validator.is_valid({**undecided, "reason": None})
