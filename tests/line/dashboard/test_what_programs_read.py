"""Health, metrics and status."""

import json
import time
from pathlib import Path

import pytest
from fake_line import FakeLine

from slsg_edge.line.service.status import SinkStatus

SECRET = "rtsp://camera:hunter2@10.0.0.1/1"


def test_ready_only_when_every_station_is(line, client_of):
    client = client_of()
    assert client.get("/health/ready").status_code == 200
    line.boards["cap"].tell(state="starting", ready=False)
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json() == {
        "ready": False,
        "stations": {"cap": {"ready": False, "state": "starting"}},
    }


def test_a_line_without_a_verdict_yet_lives(line, client_of):
    assert client_of().get("/health/live").json() == {"live": True, "stuck": []}


@pytest.mark.parametrize(("state", "lives"), [("ok", False), ("lost", False), ("idle", True)])
def test_a_station_that_stopped_giving_verdicts_is_not_alive(line, client_of, state, lives):
    client = client_of()
    line.inspect("cap", 0.2)
    assert client.get("/health/live").status_code == 200
    line.boards["cap"].tell(state=state, moving=time.monotonic() - 60)
    answer = client.get("/health/live")
    assert answer.status_code == (200 if lives else 503)
    assert answer.json()["stuck"] == ([] if lives else ["cap"])


def test_status_says_how_the_line_is(line, client_of):
    line.inspect("cap", 0.2)
    record = line.inspect("cap", 0.9)
    line.inspect("cap", None)
    told = client_of().get("/api/status").json()
    (station,) = told["stations"]
    assert told["ready"]
    assert station["counts"] == {"good": 1, "anomalous": 1, "undecided": 1}
    assert station["reasons"] == {"stale": 1}
    assert station["newest"]["verdict"] == "undecided"
    assert [each["verdict"] for each in station["last"]] == ["undecided", "anomalous", "good"]
    assert station["last"][1]["id"] == record.id


def test_no_secret_is_told_anywhere(line, client_of):
    line.inspect("cap", 0.2)
    line.boards["cap"].tell(state="lost", detail=f"{SECRET} gives no video")
    line.alarms = (f"The camera {SECRET} is lost.",)
    line.sinks = (SinkStatus("mes", "webhook", 3, 1, 2, f"{SECRET} answers nothing"),)
    line.kept_outbox.trouble = f"no room for {SECRET}"
    client = client_of()
    for path in ("/", "/stations/cap", "/api/status", "/metrics", "/rejects", "/events", "/audit"):
        text = client.get(path).text
        assert "hunter2" not in text, path
        assert "a token of the line" not in text, path


def samples_of(text):
    parser = pytest.importorskip("prometheus_client.parser")
    families = parser.text_string_to_metric_families(text)
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


def test_prometheus_reads_the_metrics(line, client_of):
    client = client_of()
    line.sinks = (SinkStatus("mes", "webhook", 3, 10, 2, "no answer"),)
    line.alarms = ("Look at it.",)
    for score in (0.2, 0.3, 0.9, None):
        line.inspect("cap", score)
    line.boards["cap"].tell(drift=("score",), drift_evidence={"score": 3.5, "brightness": 0.1})
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    found = samples_of(answer.text)
    assert found["slsg_edge_verdicts_total", "cap", "good"] == 2
    assert found["slsg_edge_verdicts_total", "anomalous", "cap"] == 1
    assert found["slsg_edge_undecided_total", "cap", "stale"] == 1
    assert found["slsg_edge_latency_seconds", "0.5", "cap", "detect"] == 0.004
    assert found["slsg_edge_sink_waiting", "mes", "webhook"] == 3
    assert found["slsg_edge_sink_trouble", "mes", "webhook"] == 1
    assert found["slsg_edge_station_state", "cap", "ok"] == 1
    assert found["slsg_edge_station_state", "cap", "lost"] == 0
    assert found["slsg_edge_drift", "cap", "score"] == 1
    assert found["slsg_edge_drift", "brightness", "cap"] == 0
    assert found["slsg_edge_drift_evidence", "cap", "score"] == 3.5
    assert found["slsg_edge_alarms",] == 1
    assert found["slsg_edge_ready",] == 1
    assert 0 <= found["slsg_edge_frame_age_seconds", "cap"] < 600
    assert found["process_resident_memory_bytes",] > 0


def test_two_lines_in_one_process_have_metrics_of_their_own(line, client_of, tmp_path, toy_bundle):
    from slsg_edge.line.dashboard.metrics import registry_of

    other = FakeLine(tmp_path, toy_bundle, ("a", "b"))
    from prometheus_client import generate_latest

    assert "cap" not in generate_latest(registry_of(other, list)).decode()
    assert 'station="cap"' in client_of().get("/metrics").text


def test_numbers_that_json_does_not_know_are_none(line, client_of):
    line.boards["cap"].tell(drift_evidence={"score": float("inf")})
    told = json.loads(client_of().get("/api/status").text)
    assert told["stations"][0]["drift_evidence"] == {"score": None}


ANSWER = """\
0, NVIDIA H200, 1980, 41, 0x0000000000000004
1, NVIDIA H200, [N/A], 38, 0x0000000000000001
nonsense
"""


def test_gpus_as_nvidia_smi_tells_them(tmp_path: Path):
    from slsg_edge.line.dashboard.gpus import Gpus

    program = tmp_path / "smi"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{ANSWER}END\n")
    program.chmod(0o755)
    gpus = Gpus(str(program))
    deadline = time.monotonic() + 20
    while not gpus() and time.monotonic() < deadline:
        time.sleep(0.01)
    first, second = gpus()
    assert (first.name, first.clock_hertz, first.celsius) == ("0 NVIDIA H200", 1.98e9, 41)
    assert first.throttled
    assert second.clock_hertz is None
    assert not second.throttled


def test_without_nvidia_smi_there_is_no_gpu():
    from slsg_edge.line.dashboard.gpus import Gpus

    assert Gpus("no-such-program-here")() == []
