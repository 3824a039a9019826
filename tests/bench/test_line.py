"""What a line adds to inference, measured through real lines, cameras and a PLC's client."""

import json

import pytest
from typer.testing import CliRunner

from slsg_edge.bench import camera_faults, line, line_costs, request
from slsg_edge.cli import app
from slsg_edge.errors import ConfigError

pytestmark = pytest.mark.slow


@pytest.fixture
def in_short(monkeypatch):
    monkeypatch.setattr(line, "_THROUGHPUT", 100)
    monkeypatch.setattr(line, "_REPEATS", 1)
    monkeypatch.setattr(line, "_STATIONS", 2)
    monkeypatch.setattr(camera_faults, "_SETTLES", 0.1)
    monkeypatch.setattr(line_costs, "_SETTLES", 0.1)
    monkeypatch.setattr(line_costs, "_IDLE", 0.5)
    monkeypatch.setattr(line_costs, "_VERDICTS", 1)


def run(*words):
    return CliRunner().invoke(app, ["bench", "line", *map(str, words)])


def test_latency_outbox_requests_faults_and_costs_are_measured(toy_bundle, in_short):
    done = run(toy_bundle, "--stations", "1", "--verdicts", 20, "--json")
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    (latency,) = result["latencies"]
    assert latency["verdicts"] == 20
    assert 0 < latency["added_median"] <= latency["added_p99"]
    assert result["per_second"] > 0
    asked, camera, costs = result["request"], result["camera"], result["costs"]
    assert 0 < asked["added_median"] <= asked["total_median"]
    assert all(0 < median <= longest for median, longest in camera.values())
    assert costs["megabytes"] > 20
    assert costs["further"] < costs["megabytes"]


def test_people_read_sentences(toy_bundle, in_short):
    done = run(toy_bundle, "--stations", "1", "--verdicts", 20, "--latency-only")
    assert done.exit_code == 0, done.output
    assert "added: from frame to verdict on the disk" in done.stdout
    assert "PLC" not in done.stdout


def test_a_line_that_does_not_answer_says_so(toy_bundle, monkeypatch):
    monkeypatch.setattr(request, "_PATIENCE", 0.01)
    with pytest.raises(ConfigError, match="answered no request"):
        request.request_latency(toy_bundle, 1)
