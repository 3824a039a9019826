"""Cores and memory of a container are what it is allowed, not what the machine has."""

import os

import pytest

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.machine import limits
from slsg_edge.machine.host import cores_given, memory_mb, usable_cores
from slsg_edge.runtime.detector import choose, open_choice

GIB = 2**30


@pytest.fixture
def group(tmp_path, monkeypatch):
    """Writes files of a control group."""
    monkeypatch.setattr(limits, "CONTROL_GROUPS", tmp_path)

    def write(**files):
        for name, content in files.items():
            path = tmp_path / name.replace("__", "/")
            path.parent.mkdir(exist_ok=True)
            (path.parent / path.name.replace("_DOT_", ".")).write_text(f"{content}\n")

    return write


@pytest.fixture
def sixteen(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 16)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    monkeypatch.setattr("sys.platform", "linux")


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"cpu_DOT_max": "400000 100000"}, 4),
        ({"cpu_DOT_max": "150000 100000"}, 2),
        ({"cpu_DOT_max": "max 100000"}, 16),
        ({"cpu__cpu_DOT_cfs_quota_us": 300000, "cpu__cpu_DOT_cfs_period_us": 100000}, 3),
        ({"cpu__cpu_DOT_cfs_quota_us": -1, "cpu__cpu_DOT_cfs_period_us": 100000}, 16),
        ({"cpu__cpu_DOT_cfs_quota_us": 300000}, 16),
        ({}, 16),
    ],
)
def test_cores_are_those_that_a_container_may_use(files, cores, group, sixteen):
    group(**files)
    assert usable_cores() == cores
    assert cores_given() == (cores if cores < 16 else None)


@pytest.mark.parametrize(
    ("files", "limited"),
    [
        ({"memory_DOT_max": GIB // 8}, True),
        ({"memory_DOT_max": "max"}, False),
        ({"memory__memory_DOT_limit_in_bytes": GIB // 8}, True),
        ({"memory__memory_DOT_limit_in_bytes": 9223372036854771712}, False),
    ],
)
def test_memory_is_what_a_container_may_use(files, limited, group):
    here = memory_mb()
    if here is None:
        pytest.skip("the system does not tell its memory")
    group(**files)
    total, free = memory_mb()
    assert (total == 128) == limited
    assert free <= total


def test_a_backend_starts_no_more_threads_than_it_is_given(group, sixteen, toy_bundle, monkeypatch):
    group(cpu_DOT_max="200000 100000")
    asked = []
    monkeypatch.setattr(
        "slsg_edge.runtime.onnxruntime.OnnxRuntimeDetector", lambda *given: asked.append(given[2])
    )
    bundle = open_bundle(toy_bundle)
    choice = choose(bundle, "onnxruntime")
    open_choice(bundle, choice)
    open_choice(bundle, choice, 8)
    assert asked == [2, 2]
