"""A real OPC UA client reads verdicts, and can change nothing."""

import json
import math
import socket
import time

import pytest
from line_verdicts import stored

from slsg_edge.errors import ConfigError
from slsg_edge.line.settings.sinks import OpcUaSettings

asyncua = pytest.importorskip("asyncua")

from asyncua import ua  # noqa: E402
from asyncua.sync import Client  # noqa: E402

from slsg_edge.line.sinks.opcua import OpcUaDisplay  # noqa: E402
from slsg_edge.line.sinks.opcua_nodes import NAMESPACE  # noqa: E402

pytestmark = pytest.mark.slow  # the standard's nodes take seconds to build


@pytest.fixture(scope="module")
def display():
    """One server for all."""
    made = OpcUaDisplay(OpcUaSettings(port=0), "line", ["one", "two", "three"])
    yield made
    made.close()


@pytest.fixture(scope="module")
def client(display):
    with Client(display.url, timeout=20) as made:
        yield made


def read(client, path, station="one"):
    index = client.get_namespace_index(NAMESPACE)
    return client.get_node(f"ns={index};s={station}.{path}").read_value()


def result(client, name, station="one"):
    return read(client, f"ResultManagement.Result.{name}", station)


def test_before_the_first_verdict_there_is_none(client):
    assert result(client, "Verdict", "two") == ""
    assert read(client, "VisionStateMachine.CurrentState", "two") == "Preoperational"


def test_a_verdict_is_the_result_and_the_bundle_the_recipe(display, client):
    shown = stored("one", 70_000, "anomalous")
    display.show(shown)
    display.name_recipe("one", "bottles.slsg")
    assert result(client, "Verdict") == "anomalous"
    assert result(client, "Sequence") == 70_000
    assert result(client, "ResultId") == shown.record.id
    assert result(client, "ResultState") == 1
    assert result(client, "Score") == pytest.approx(0.1234)
    assert result(client, "Durable") is True
    assert result(client, "CreationTime").isoformat().startswith("2026-11-30T12:00:00")
    assert json.loads(result(client, "ResultContent"))["sequence"] == 70_000
    assert read(client, "RecipeManagement.ActiveRecipe.InternalId") == shown.record.bundle
    assert read(client, "RecipeManagement.ActiveRecipe.ExternalId") == "bottles.slsg"


def test_what_was_not_inspected_has_failed_with_its_reason(display, client):
    display.show(stored("one", 3, "undecided", "stale", durable=False))
    assert (result(client, "ResultState"), result(client, "Reason")) == (4, "stale")
    assert math.isnan(result(client, "Score"))
    assert result(client, "Durable") is False


@pytest.mark.parametrize(
    ("told", "system", "mode"),
    [
        ("ok", "Operational", "ContinuousExecution"),
        ("idle", "Operational", "Ready"),
        ("lost", "Error", "Initialized"),
        ("stopped", "Halted", "Initialized"),
    ],
)
def test_the_state_is_in_the_words_of_the_standard(display, client, told, system, mode):
    display.tell("one", told)
    assert read(client, "VisionStateMachine.CurrentState") == system
    assert read(client, "VisionStateMachine.AutomaticMode.CurrentState") == mode


def test_the_state_is_that_of_the_verdict_until_more_is_told(display, client):
    display.show(stored("three", 1, "good"))
    assert read(client, "VisionStateMachine.CurrentState", "three") == "Operational"
    display.states = lambda: {"three": "idle"}
    display.beat()
    display.states = dict
    display.show(stored("three", 2, "good"))
    assert read(client, "VisionStateMachine.AutomaticMode.CurrentState", "three") == "Ready"


def test_the_heartbeat_counts(display, client):
    before = read(client, "Heartbeat")
    display.beat()
    assert read(client, "Heartbeat") == before + 1


def test_a_client_is_told_of_each_verdict(display, client):
    came = []

    class Told:
        def datachange_notification(self, node, value, data):
            came.append(value)

    index = client.get_namespace_index(NAMESPACE)
    node = client.get_node(f"ns={index};s=two.ResultManagement.Result.Sequence")
    subscription = client.create_subscription(20, Told())
    subscription.subscribe_data_change(node)
    display.show(stored("two", 41))
    _wait_for(lambda: came and came[-1] == 41)
    subscription.delete()


def test_nobody_can_write_or_add(client):
    index = client.get_namespace_index(NAMESPACE)
    node = client.get_node(f"ns={index};s=one.ResultManagement.Result.Verdict")
    with pytest.raises(ua.UaStatusCodeError):
        node.write_value("good")
    with pytest.raises(ua.UaStatusCodeError):
        client.nodes.objects.add_object(index, "mine")


def test_not_even_whoever_calls_himself_admin(display):
    stranger = Client(display.url, timeout=20)
    stranger.set_user("admin")
    with stranger:
        index = stranger.get_namespace_index(NAMESPACE)
        with pytest.raises(ua.UaStatusCodeError):
            stranger.get_node(f"ns={index};s=one.Heartbeat").write_value(ua.UInt32(1))


def test_a_port_in_use_is_refused_by_name():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"'opcua' cannot listen on 127.0.0.1:{port}"):
            OpcUaDisplay(OpcUaSettings(port=port), "line", ["one"])


def _wait_for(said):
    ends = time.monotonic() + 20
    while not said():
        assert time.monotonic() < ends
        time.sleep(0.01)


def test_garbage_is_no_harm_and_no_flood_of_the_log(display, client, caplog):
    host, port = display.url.removeprefix("opc.tcp://").partition("/")[0].split(":")
    for start in (b"", b"HELF\x40\0\0\0", b"OPNF\x20\0\0\0", b"MSGF\xff\0\0\0"):
        with socket.create_connection((host, int(port)), 20) as stranger:
            stranger.sendall(start + bytes(range(90)))
    display.show(stored("one", 9))
    assert result(client, "Sequence") == 9
    assert not [record for record in caplog.records if record.name.startswith("asyncua")]
