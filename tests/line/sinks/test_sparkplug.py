"""Sparkplug B: what a host application sees of births, verdicts and deaths."""

import time
from contextlib import closing

import pytest
from awaited import DEADLINE, until
from broker import Listener, running_broker
from records_made import record
from sparkplug_decoded import decoded

from slsg_edge.line.outbox.entries import Stored
from slsg_edge.line.settings.sinks import MqttSettings
from slsg_edge.line.sinks.mqtt import MqttJournal
from slsg_edge.line.sinks.sparkplug import SparkplugSpeech, metrics_of, payload

pytest.importorskip("paho.mqtt.client", reason="paho-mqtt is not installed")
NODE = "spBv1.0/plant/{}/hall"


def take(journal: MqttJournal, *sequences: int) -> None:
    batch = [Stored(number, record(number)) for number in sequences]
    end = time.monotonic() + DEADLINE
    while True:
        try:
            return journal.take(batch)
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.05)


def test_a_verdict_is_encoded_as_the_specification_says():
    one = record(7, score=0.125, p_value=None, detail="é" * 200, drift=("score", "sharpness"))
    message = decoded(payload(metrics_of(one), 255, at=1_796_040_000.5))
    values = {name: metric["value"] for name, metric in message["metrics"].items()}
    assert message["seq"] == 255
    assert abs(message["timestamp"] / 1000 - time.time()) < 3600
    assert values["id"] == one.id
    assert (values["sequence"], values["verdict"], values["score"]) == (7, "good", 0.125)
    assert (values["p_value"], values["detail"]) == (None, "é" * 200)
    assert values["drift"] == "score,sharpness"
    assert {metric["timestamp"] for metric in message["metrics"].values()} == {1_796_040_000_500}


def test_sequence_numbers_begin_at_a_birth_and_wrap_at_256():
    speech = SparkplugSpeech("plant", "hall")
    (birth,) = speech.greeting()
    messages = [birth]
    for number in range(300):
        messages += speech.verdict("left" if number % 2 else "right", record(number))
    seqs = [decoded(message.payload)["seq"] for message in messages]
    assert seqs == [number % 256 for number in range(303)]  # with the births of two devices
    assert all(message.qos == 0 and not message.retain for message in messages)
    again, *_ = speech.greeting()
    assert decoded(again.payload)["seq"] == 0
    assert [one.topic.split("/")[2] for one in speech.verdict("left", record())] == [
        "DBIRTH",
        "DDATA",
    ]


def bd_seq(content: bytes) -> int:
    return decoded(content)["metrics"]["bdSeq"]["value"]


def test_a_host_sees_births_before_data_and_the_death_of_each_session(tmp_path):
    with running_broker(tmp_path) as broker:
        settings = MqttSettings(port=broker.port, topic="plant", payload="sparkplug")
        with closing(Listener(broker.port, "spBv1.0/#")) as host:
            journal = MqttJournal(settings, "hall")
            take(journal, 1, 2)
            assert until(lambda: len(host.heard) == 4)
            kinds = [topic.split("/")[2] for topic, *_ in host.heard]
            assert kinds == ["NBIRTH", "DBIRTH", "DDATA", "DDATA"]
            assert host.heard[0][0] == NODE.format("NBIRTH")
            assert host.heard[2][0] == NODE.format("DDATA") + "/left"
            assert [decoded(content)["seq"] for _, content, *_ in host.heard] == [0, 1, 2, 3]
            assert {qos for _, _, qos, _ in host.heard} == {0}
            birth = bd_seq(host.heard[0][1])

            host.send(NODE.format("NCMD"), payload([], 0) + b"Node Control/Rebirth")
            births = NODE.format("NBIRTH")
            assert until(lambda: len(host.on(births)) == 2)
            assert bd_seq(host.on(births)[1]) == birth
            take(journal, 3)
            assert until(lambda: len(host.on("/left")) == 5)

            journal._voice.connection._client._sock_close()  # the connection breaks
            take(journal, 4)
            assert until(lambda: len(host.on("/left")) == 7)
            deaths = host.on(NODE.format("NDEATH"))
            assert [bd_seq(one) for one in deaths] == [birth]
            assert "seq" not in decoded(deaths[0])
            second = bd_seq(host.on(births)[-1])
            assert second == (birth + 1) % 256
            journal.close()
            assert until(lambda: len(host.on(NODE.format("NDEATH"))) == 2)
            assert bd_seq(host.on(NODE.format("NDEATH"))[1]) == second


def test_nothing_is_taken_for_delivered_while_the_broker_is_away(tmp_path):
    with running_broker(tmp_path) as broker:
        settings = MqttSettings(port=broker.port, topic="plant", payload="sparkplug")
        with closing(MqttJournal(settings, "hall")) as journal:
            take(journal, 1)
            broker.stop()
            with pytest.raises(OSError, match="the broker"):
                journal.take([Stored(2, record(2))])
            broker.start()
            with closing(Listener(broker.port, "spBv1.0/#")) as host:
                take(journal, *range(2, 40))
                assert until(lambda: len(host.on("/left")) >= 38)
                data = [decoded(one)["metrics"]["sequence"]["value"] for one in host.on("/left")]
                assert data[-38:] == list(range(2, 40))
