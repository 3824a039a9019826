"""`slsg-edge line`: from nothing to a line that was tried, through the command line."""

import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from slsg_edge.cli import app
from slsg_edge.errors import SlsgError
from slsg_edge.line.settings.reading import read_line


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A command in a folder of its own; gives its exit code, stdout and what went wrong."""
    monkeypatch.chdir(tmp_path)

    def ran(*words: str):
        return CliRunner().invoke(app, ["line", *words])

    return ran


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _films(folder: Path, level: int) -> str:
    folder.mkdir()
    for number in range(3):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((32, 32, 3), level, np.uint8))
    return str(folder)


@pytest.fixture
def written(run, toy_bundle, tmp_path):
    """A line.toml of a station, made by `line init`."""

    def write(*words: str) -> None:
        done = run("init", "--bundle", str(toy_bundle), "--http", str(_free_port()), *words)
        assert done.exit_code == 0, done.output

    return write


def test_init_writes_a_line_that_reads_back(run, written, tmp_path):
    written("--source", "0", "--source", "drop:in", "--trigger", "modbus", "--coil", "4",
            "--modbus", "5021", "--mqtt", "broker:1884")  # fmt: skip
    settings = read_line(tmp_path / "line.toml")
    assert [station.trigger.coil for station in settings.station] == [4, 5]
    assert settings.station[1].source == f"drop:{tmp_path}/in"
    assert (settings.mqtt[0].host, settings.mqtt[0].port) == ("broker", 1884)
    assert settings.modbus[0].port == 5021


def test_init_overwrites_nothing(run, written, tmp_path):
    (tmp_path / "line.toml").write_text("mine")
    for words in (("--source", "0", "--bundle", "b.slsg"), ()):
        assert "is there already" in str(run("init", *words).exception)
    assert (tmp_path / "line.toml").read_text() == "mine"


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--source", "0"),
        ("--bundle", "b"),
        ("--source", "0", "--source", "1", "--source", "2", "--bundle", "b", "--bundle", "c"),
        ("--source", "0", "--bundle", "b", "--trigger", "mqtt"),
        ("--source", "0", "--bundle", "b", "--trigger", "nver"),
        ("--source", "0", "--bundle", "b", "--mqtt", "a:b"),
        ("--source", "0", "--bundle", "b", "--http", "0.0.0.0:80"),
        ("--source", "0", "--source", "0", "--bundle", "b"),
    ],
)
def test_init_writes_nothing_where_something_is_wrong(run, tmp_path, words):
    done = run("init", *words)
    assert isinstance(done.exception, SlsgError)
    assert not (tmp_path / "line.toml").exists()


def test_init_asks_on_a_terminal(run, tmp_path, monkeypatch):
    monkeypatch.setattr("slsg_edge.cli.line_init._on_terminal", lambda: True)
    answers = "0\nb.slsg\nbottles\nmqt\nmqtt\nline/go\nn\nbroker\n\n\n\n"
    done = CliRunner().invoke(app, ["line", "init"], input=answers)
    assert done.exit_code == 0, done.output
    station = read_line(tmp_path / "line.toml").station[0]
    assert (station.name, station.trigger.topic) == ("bottles", "line/go")


def test_check_shows_an_inspected_frame_of_each_station(run, written, tmp_path):
    written("--source", _films(tmp_path / "dark", 60), "--source", _films(tmp_path / "light", 200),
            "--station", "dark", "--station", "light", "--json-lines", "v.jsonl")  # fmt: skip
    done = run("check", "--json", "--pictures", "pictures")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert [station["verdict"] for station in told["stations"]] == ["good", "anomalous"]
    assert {*told["stations"][0]["latency_ms"]} == {"frame", "detect", "judge", "stored"}
    assert (tmp_path / "pictures" / "line-check-light.jpg").is_file()
    assert not (tmp_path / "v.jsonl").exists()
    assert not (tmp_path / "line-data").exists()


def test_check_takes_no_dropped_file(run, written, tmp_path):
    folder = _films(tmp_path / "in", 60)
    (tmp_path / "empty").mkdir()
    written("--source", f"drop:{folder}?after=delete", "--source", "drop:empty")
    done = run("check")
    assert done.exit_code == 0, done.output
    assert "no picture yet" in done.stdout
    assert len(list((tmp_path / "in").iterdir())) == 3


def test_check_goes_on_when_something_does_not_answer(run, written, tmp_path):
    written("--source", "none.mp4", "--source", _films(tmp_path / "dark", 60),
            "--mqtt", f"127.0.0.1:{_free_port()}", "--modbus", str(_free_port()),
            "--source", f"http://127.0.0.1:{_free_port()}/x.jpg",
            "--webhook", f"http://user:hunter2@127.0.0.1:{_free_port()}/x")  # fmt: skip
    done = run("check")
    assert done.exit_code == 1
    assert "There is no" in done.stdout
    assert "mqtt mqtt: 127.0.0.1" in done.stdout
    assert "webhook webhook: The server cannot be reached" in done.stdout
    assert ": good, score" in done.stdout
    assert "hunter2" not in done.output
    assert "is free, for this PC alone" in done.stdout  # no PLC would get an answer
    assert "See that the camera is on and connected" in done.stdout
    assert "Look at the picture" not in done.stdout  # there is none


def test_check_tells_of_a_port_that_is_taken_and_of_a_broker_that_is_none(run, written, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        written("--source", _films(tmp_path / "dark", 60), "--modbus", str(port))
        done = run("check", "--json")
    sinks = {sink["name"]: sink for sink in json.loads(done.stdout)["sinks"]}
    assert done.exit_code == 1
    assert f"127.0.0.1:{port} cannot be listened on" in sinks["modbus"]["said"]


def test_check_fails_where_a_station_takes_longer_than_its_limit(
    run, written, tmp_path, monkeypatch
):
    written("--source", _films(tmp_path / "dark", 60))
    monkeypatch.setattr("slsg_edge.line.check.sinks.stored_ms", lambda folder: 600.0)
    slow = run("check")
    assert slow.exit_code == 1
    assert "raise limits.latency_ms" in slow.stdout


def test_install_gives_the_unit_and_says_how_to_enable_it(run, written, tmp_path):
    written("--source", "0", "--token", "${PAGE}")
    done = run("install", "--user", "nobody")
    assert done.exit_code == 0
    assert f"watch {tmp_path}/line.toml" in done.stdout
    assert "systemctl enable --now slsg-edge-line" in done.stderr
    assert "PAGE=" in done.stderr


def test_install_overwrites_its_own_unit_and_nothing_else(run, written, tmp_path):
    written("--source", "0")
    assert run("install", "-o", "unit").exit_code == 0
    assert run("install", "-o", "unit").exit_code == 0
    (tmp_path / "other").write_text("[Unit]\n")
    assert isinstance(run("install", "-o", "other").exception, SlsgError)
    assert (tmp_path / "other").read_text() == "[Unit]\n"


def test_an_mes_on_a_desk_takes_verdicts_and_sees_one_that_is_missing(run, written):
    port = _free_port()
    written("--source", "0", "--webhook", f"http://127.0.0.1:{port}/")

    def deliver() -> None:
        for sequence in (1, 3):
            verdict = {"id": str(sequence), "station": "a", "sequence": sequence}
            _post(port, {**verdict, "verdict": "good"})

    sending = threading.Thread(target=deliver)
    sending.start()
    done = run("simulate", "mes", "--parts", "2")
    sending.join()
    assert done.exit_code == 1
    assert "1 missing" in done.stderr


def _post(port: int, verdict: object) -> None:
    """Waits for the one who listens."""
    deadline = time.monotonic() + 20
    while True:
        try:
            urllib.request.urlopen(
                f"http://127.0.0.1:{port}/", json.dumps(verdict).encode(), timeout=20
            ).close()
            return
        except urllib.error.URLError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.mark.parametrize("what", ["plc", "mes"])
def test_without_a_sink_there_is_nobody_to_play(run, written, what):
    written("--source", "0")
    assert isinstance(run("simulate", what).exception, SlsgError)


def test_a_plc_on_a_desk_passes_nothing_while_no_line_runs(run, written):
    written("--source", "0", "--modbus", str(_free_port()))
    done = run("simulate", "plc", "--parts", "2", "--every", "0")
    assert done.exit_code == 0
    assert "0 passed, 2 not passed" in done.stderr
    assert "PASS" not in done.stdout


@pytest.fixture
def broker(tmp_path):
    """A real one; gives its port, and can be told to refuse strangers."""
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    if not Path(program).is_file():
        pytest.skip("no mosquitto on this machine: apt install mosquitto")
    started = []

    def start(anonymous: bool) -> int:
        port = _free_port()
        config = tmp_path / "mosquitto.conf"
        config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous {str(anonymous).lower()}\n")
        started.append(subprocess.Popen([program, "-c", str(config)], stderr=subprocess.DEVNULL))
        _wait_for(port)
        return port

    yield start
    for process in started:
        process.terminate()
        process.wait(20)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
            return
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(("anonymous", "said"), [(True, "answers"), (False, "refuses")])
def test_check_has_the_answer_of_a_broker(run, written, tmp_path, broker, anonymous, said):
    port = broker(anonymous)
    written("--source", _films(tmp_path / "dark", 60), "--mqtt", f"127.0.0.1:{port}")
    done = run("check")
    assert f"mqtt mqtt: 127.0.0.1:{port} {said}" in done.stdout
    assert done.exit_code == (0 if anonymous else 1)
