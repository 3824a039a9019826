"""The MES on the desk finds verdicts that are missing, repeated or out of order."""

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest

from slsg_edge.errors import ConfigError
from slsg_edge.line.mqtt import mqtt_client
from slsg_edge.line.settings.sinks import MqttSettings
from slsg_edge.line.simulate.ledger import Ledger
from slsg_edge.line.simulate.mes import MqttMes, WebhookMes
from slsg_edge.line.triggers.mqtt_requests import MqttRequests

LONG = 20.0


def verdict(sequence, station="one", name=None):
    name = name or f"{station}-{sequence}"
    return {"id": name, "station": station, "sequence": sequence, "verdict": "good"}


def test_verdicts_in_order_are_as_they_should_be():
    ledger = Ledger()
    for sequence in (7, 8, 9):
        ledger.take(verdict(sequence))
        ledger.take(verdict(sequence, "two"))
    assert str(ledger) == "6 verdicts, 0 missing, 0 wrong, 0 repeated, 0 unreadable"


def test_what_is_not_as_it_should_be_is_counted_and_said():
    ledger = Ledger()
    said = [
        ledger.take(one)
        for one in (
            verdict(1), verdict(4), verdict(4), verdict(4, name="x"), verdict(2), b"x", {"id": 1},
        )
    ]  # fmt: skip
    assert said[1:5] == [
        "one 4: good MISSING: 2 before it",
        "one 4: good (again)",
        "one 4: good WRONG: 4 came before",
        "one 2: good WRONG: 4 came before",
    ]
    assert str(ledger) == "4 verdicts, 2 missing, 2 wrong, 1 repeated, 2 unreadable"


@pytest.fixture
def receiver():
    made = WebhookMes("127.0.0.1", 0, lambda text: None)
    yield made
    made.close()


def post(receiver, content):
    request = urllib.request.Request(f"http://127.0.0.1:{receiver.port}/x", content)
    with urllib.request.urlopen(request, timeout=LONG) as answer:
        return answer.status


def test_a_webhook_is_answered_when_its_verdicts_are_counted(receiver):
    assert post(receiver, json.dumps(verdict(1)).encode()) == 204
    assert post(receiver, json.dumps([verdict(2), verdict(3)]).encode()) == 204
    assert (receiver.ledger.taken, receiver.ledger.missing) == (3, 0)
    with pytest.raises(urllib.error.HTTPError, match="400"):
        post(receiver, b"no json")
    assert receiver.ledger.unreadable == 1


def test_a_port_in_use_is_refused(receiver):
    with pytest.raises(ConfigError, match="cannot listen"):
        WebhookMes("127.0.0.1", receiver.port, print)


@pytest.fixture
def broker(tmp_path):
    program = shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")
    if program is None:
        pytest.skip("needs mosquitto")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "broker.conf").write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    process = subprocess.Popen([program, "-c", str(tmp_path / "broker.conf")], stdout=-3, stderr=-3)
    wait_for(lambda: accepts(port))
    yield MqttSettings(port=port)
    process.kill()
    process.wait()


def wait_for(said):
    ends = time.monotonic() + LONG
    while not said():
        assert time.monotonic() < ends
        time.sleep(0.01)


def accepts(port):
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def publish(broker):
    client = mqtt_client(broker, "test", clean=True)
    client.connect_async(broker.host, broker.port)
    client.loop_start()
    wait_for(client.is_connected)

    def send(topic, payload, retain=False):
        client.publish(topic, payload, 1, retain).wait_for_publish(LONG)

    yield send
    client.disconnect()
    client.loop_stop()


def test_verdicts_over_mqtt_are_counted(broker, publish):
    said = []
    mes = MqttMes(broker, "line", said.append)
    wait_for(lambda: said)
    for sequence in (1, 2):
        publish("slsg-edge/line/one/verdict", json.dumps(verdict(sequence)))
    wait_for(lambda: mes.ledger.taken == 2)
    assert said == ["listening to slsg-edge/line/+/verdict", "one 1: good", "one 2: good"]
    mes.close()


def test_a_message_asks_for_a_verdict_and_a_retained_one_does_not(broker, publish):
    publish("plc/go", "of yesterday", retain=True)
    asking = MqttRequests(broker, "line", "plc/go")
    wait_for(lambda: asking.trouble is None)
    assert not asking.requests.wait(0.2)
    publish("plc/go", "")
    assert asking.requests.wait(LONG)
    asking.close()


def test_a_broker_that_is_not_there_is_told_of_and_waited_for():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    asking = MqttRequests(MqttSettings(port=port), "line", "plc/go")
    wait_for(lambda: asking.trouble == f"127.0.0.1:{port} takes no connection")
    asking.close()


def test_certificates_that_cannot_be_read_are_refused(tmp_path):
    settings = MqttSettings(tls=True, ca_file=tmp_path / "gone.pem")
    with pytest.raises(ConfigError, match="certificates of the sink mqtt cannot be used"):
        MqttRequests(settings, "line", "x")
