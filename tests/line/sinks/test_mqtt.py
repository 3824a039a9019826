"""Verdicts for a real broker: in order, confirmed, and none lost while it is down."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from getpass import getuser
from pathlib import Path

import pytest
from awaited import DEADLINE, until
from broker import Broker, Listener, running_broker
from records_made import record

from slsg_edge.errors import ConfigError
from slsg_edge.line.outbox.delivery import Delivery
from slsg_edge.line.outbox.entries import Stored
from slsg_edge.line.outbox.outbox import Outbox
from slsg_edge.line.settings.sinks import MqttSettings
from slsg_edge.line.sinks.mqtt import MqttJournal

pytest.importorskip("paho.mqtt.client", reason="paho-mqtt is not installed")
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def broker(tmp_path):
    # what it confirmed outlasts its end; started by root it would give up the right to write there
    keeps = ("persistence true", f"persistence_location {tmp_path}/", f"user {getuser()}")
    with running_broker(tmp_path, *keeps) as running:
        yield running


def taken(journal: MqttJournal, batch: list[Stored]) -> None:
    """Waits for the connection, as the outbox does by trying again."""
    end = time.monotonic() + DEADLINE
    while True:
        try:
            return journal.take(batch)
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def sequences(payloads: list[bytes]) -> list[int]:
    return [json.loads(payload)["sequence"] for payload in payloads]


def test_verdicts_arrive_in_order_with_qos_1_and_the_state_is_retained(broker):
    with closing(Listener(broker.port, "#")) as listener:
        journal = MqttJournal(MqttSettings(port=broker.port), "hall 3/a")
        put = [Stored(number, record(number)) for number in range(1, 51)]
        taken(journal, put)
        assert until(lambda: len(listener.on("/verdict")) == 50)
        assert sequences(listener.on("/verdict")) == list(range(1, 51))
        topic, payload, qos, retained = listener.heard[-1]
        assert topic == "slsg-edge/hall 3_a/left/verdict"
        assert json.loads(payload)["id"] == put[-1].record.id
        assert (qos, retained) == (1, False)
        with closing(Listener(broker.port, "slsg-edge/+/state", "late")) as late:
            assert until(lambda: late.heard)
            assert late.heard == [("slsg-edge/hall 3_a/state", b"online", 1, True)]
        journal.close()
        with closing(Listener(broker.port, "slsg-edge/+/state", "later")) as later:
            assert until(lambda: later.heard)
            assert later.heard[0][1] == b"offline"


def test_all_is_delivered_in_order_after_an_outage(broker, tmp_path):
    warned: list[str] = []
    with (
        closing(Listener(broker.port, "#")) as listener,
        closing(Outbox(tmp_path / "line", warned.append)) as outbox,
        closing(Delivery(outbox, warned.append)) as delivery,
    ):
        delivery.add_journal(MqttJournal(MqttSettings(port=broker.port), "hall"), "mqtt", None)
        for number in range(1, 301):
            outbox.put(record(number))
            if number == 100:
                assert until(lambda: len(listener.on("/verdict")) > 20)
                broker.stop()
        assert until(lambda: delivery.statuses()[0].trouble)
        assert "the broker 127.0.0.1:" in delivery.statuses()[0].trouble
        assert delivery.statuses()[0].waiting > 0
        broker.start()
        assert until(lambda: delivery.statuses()[0].waiting == 0)
        assert until(lambda: sequences(listener.on("/verdict"))[-1:] == [300])
        heard = [json.loads(payload) for payload in listener.on("/verdict")]
        once = list(dict.fromkeys(one["id"] for one in heard))  # duplicates have the same id
        order = {one["id"]: one["sequence"] for one in heard}
        assert [order[one] for one in once] == list(range(1, 301))


LEFT_ALONE = """
import sys, time
from slsg_edge.line.outbox.entries import Stored
from slsg_edge.line.settings.sinks import MqttSettings
from slsg_edge.line.sinks.mqtt import MqttJournal
journal = MqttJournal(MqttSettings(port=int(sys.argv[1])), "hall")
time.sleep(60)
"""


def test_the_broker_says_offline_for_a_client_that_was_killed(broker):
    with closing(Listener(broker.port, "slsg-edge/hall/state")) as listener:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with subprocess.Popen(
            [sys.executable, "-c", LEFT_ALONE, str(broker.port)], env=environment
        ) as process:
            assert until(lambda: listener.on("state") == [b"online"])
            process.send_signal(signal.SIGKILL)
        assert until(lambda: listener.on("state") == [b"online", b"offline"])
        with closing(Listener(broker.port, "slsg-edge/hall/state", "late")) as late:
            assert until(lambda: late.heard)
            assert late.heard == [("slsg-edge/hall/state", b"offline", 1, True)]


def run(*command: str, folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


@pytest.fixture
def certificates(tmp_path):
    """ca.pem, server.pem, server.key."""
    try:
        run("openssl", "version", folder=tmp_path)
        run("mosquitto_passwd", "-c", "-b", "passwords", "line", "se:cret", folder=tmp_path)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("openssl or mosquitto_passwd is not installed")
    new = ("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    ca = ("-x509", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=tests")
    run(*new, *ca, folder=tmp_path)
    run(*new, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=x", folder=tmp_path)
    (tmp_path / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost")
    signed = ("-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial")
    names = ("-extfile", "names", "-out", "server.pem")
    run("openssl", "x509", "-req", *signed, *names, folder=tmp_path)
    for path in tmp_path.iterdir():
        path.chmod(0o644)
    tmp_path.chmod(0o755)
    return tmp_path


@pytest.mark.slow
# paho leaves it to Python to close the socket of a handshake that failed
@pytest.mark.filterwarnings("ignore:.*ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning")
def test_tls_and_a_password_from_the_environment(certificates, monkeypatch):
    folder = certificates
    lines = [
        f"certfile {folder}/server.pem",
        f"keyfile {folder}/server.key",
        f"password_file {folder}/passwords",
        "user root",
    ]
    with running_broker(folder, *lines) as broker:
        monkeypatch.setenv("MQTT_PASSWORD", "se:cret")
        good = MqttSettings(
            port=broker.port,
            tls=True,
            ca_file=folder / "ca.pem",
            user="line",
            password="${MQTT_PASSWORD}",
        )
        with closing(MqttJournal(good, "hall")) as journal:
            taken(journal, [Stored(1, record())])
        wrong = replace(good, name="wrong", password="guessed")
        assert "refuses the connection" in refusal(wrong)
        assert "guessed" not in refusal(wrong)
        assert "certificate" in refusal(replace(good, name="other", ca_file=None)).lower()
        named = replace(good, name="plain", tls=False)
        assert "does it want TLS" in refusal(named)


def refusal(settings: MqttSettings) -> str:
    """Why nothing is taken, once it is known."""
    with closing(MqttJournal(settings, "hall")) as journal:
        said: list[str] = []

        def told() -> bool:
            try:
                journal.take([Stored(1, record())])
            except OSError as error:
                said.append(str(error))
            return "not answer yet" not in said[-1]

        assert until(told)
        return said[-1]


def test_settings_that_cannot_work_are_refused_in_words(tmp_path, monkeypatch):
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(ConfigError, match="certificates of the sink mqtt cannot be used"):
        MqttJournal(MqttSettings(tls=True, ca_file=tmp_path / "ca.pem"), "hall")
    with pytest.raises(ConfigError, match="No such file"):
        MqttJournal(MqttSettings(tls=True, ca_file=tmp_path / "absent.pem"), "hall")
    with pytest.raises(ConfigError, match="MQTT_PASSWORD"):
        MqttJournal(MqttSettings(user="line", password="${MQTT_PASSWORD}"), "hall")
    with pytest.raises(ConfigError, match="which is no name"):
        MqttJournal(MqttSettings(host="a..b"), "hall")
    with pytest.raises(ConfigError, match="payload 'xml'"):
        MqttJournal(MqttSettings(payload="xml"), "hall")


def test_a_broker_that_is_not_there_fails_at_once_and_says_where(tmp_path):
    gone = Broker(tmp_path)
    assert f"the broker 127.0.0.1:{gone.port}: Connection refused" in refusal(
        MqttSettings(port=gone.port)
    )


@pytest.mark.slow
def test_a_message_that_the_broker_ends_the_connection_for_holds_up_no_other(tmp_path):
    with (
        running_broker(tmp_path, "max_packet_size 2000") as broker,
        closing(Listener(broker.port, "#")) as listener,
        closing(MqttJournal(MqttSettings(port=broker.port), "hall")) as journal,
    ):
        put = [record(1), record(2, detail="x" * 9000), record(3)]
        taken(journal, [Stored(one.sequence, one) for one in put])
        assert until(lambda: set(sequences(listener.on("/verdict"))) == {1, 2, 3})
        assert [json.loads(one)["detail"] for one in listener.on("/verdict")][-2:] == [None, None]


def test_what_is_too_large_goes_without_its_detail(broker):
    with closing(Listener(broker.port, "#")) as listener:
        with closing(MqttJournal(MqttSettings(port=broker.port, largest=2000), "hall")) as journal:
            large = record(1, detail="x" * 3000, verdict="undecided", reason="no_frame")
            larger = record(2, origin="y" * 3000)
            taken(journal, [Stored(1, large), Stored(2, larger)])
        assert until(lambda: len(listener.on("/verdict")) == 2)
        first, second = map(json.loads, listener.on("/verdict"))
        assert (first["detail"], first["reason"], first["origin"]) == (None, "no_frame", "camera")
        assert (second["origin"], second["sequence"]) == ("", 2)
        assert all(len(payload) <= 2000 for payload in listener.on("/verdict"))
