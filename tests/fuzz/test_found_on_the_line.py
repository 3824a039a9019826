"""What a line reads and is sent, that fuzzing and reading found."""

import json
import socket
import sqlite3
import threading
import time
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from fake_line import BEARER
from fuzz.target import at_most
from line_records import record

from slsg_edge.config import read_toml, settings_from_table
from slsg_edge.data.readers.listed import read_list
from slsg_edge.data.saturation import DEFECTS_CONFIG_FILE, defect_rules
from slsg_edge.errors import ConfigError, DatasetError
from slsg_edge.line.check.sinks import _webhook
from slsg_edge.line.outbox.outbox import Outbox
from slsg_edge.line.outbox.rows import stored_from, text_of
from slsg_edge.line.settings.cameras import camera_of
from slsg_edge.line.settings.reading import read_line
from slsg_edge.line.settings.sinks import MqttSettings, WebhookSettings
from slsg_edge.line.sinks.modbus_registers import words_of
from slsg_edge.line.sources.addresses import with_secrets
from slsg_edge.line.sources.redaction import redacted
from slsg_edge.line.triggers.mqtt_requests import MqttRequests
from slsg_edge.synthesis.settings import SynthesisSettings

LINE = '[[station]]\nname = "cap"\nbundle = "cap.slsg"\n'


@pytest.mark.parametrize("text", ["a", "a:", "a.", "a@", "a:/", "@a:", "/"])
def test_a_long_text_is_redacted_soon(text):
    with at_most(20):
        redacted(text * 200_000)


@pytest.mark.parametrize(
    "source",
    [
        "drop:" + "a" * 5000 + "?after=move",
        "drop:b?a=" + "a" * 5000,
        "9" * 5000,
        "@" + "a" * 5000,
        "/dev/" + "a" * 5000,
        "gstreamer:device=/dev/" + "9" * 5000,
    ],
)
def test_a_source_that_is_longer_than_any_name(tmp_path, source):
    path = tmp_path / "line.toml"
    path.write_text(f'{LINE}source = "{source}"\n')
    assert read_line(path).station[0].name == "cap"
    camera_of(source)


def test_an_address_in_a_file_whose_name_is_too_long():
    with pytest.raises(ConfigError, match="Cannot read the address"):
        with_secrets("@" + "a" * 5000)


@pytest.mark.parametrize("key", ["source", "backend"])
def test_a_nul_in_a_text(tmp_path, key):
    path = tmp_path / "line.toml"
    source = "" if key == "source" else 'source = "0"\n'
    path.write_text(f'{LINE}{source}{key} = "/dev/\\u0000"\n')
    with pytest.raises(ConfigError, match="holds a NUL"):
        read_line(path)


@pytest.mark.parametrize("number", ["0x" + "f" * 500, "0x" + "f" * 5000, "9" * 400])
@pytest.mark.parametrize("key", ["limits = {{ max_age_ms = {0} }}", "roi = [0, 0, {0}, -{1}]"])
def test_whole_numbers_of_any_length(tmp_path, number, key):
    path = tmp_path / "line.toml"
    path.write_text(f'{LINE}source = "0"\n{key.format(number, "1")}\n[keep]\ndays = {number}\n')
    with pytest.raises(ConfigError):
        read_line(path)


def test_names_of_more_digits_than_a_number_may_have(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("image\n" + "".join(f"{digit * 5000}.png\n" for digit in "21"))
    assert [one.image.name[0] for one in read_list(path).samples] == ["1", "2"]


@pytest.mark.parametrize("number", ["0x" + "f" * 5000, "-9223372036854775809"])
def test_settings_of_a_training_with_such_numbers(tmp_path, number):
    path = tmp_path / "train.toml"
    path.write_text(f"[texture]\naugmentations = {number}\n")
    with pytest.raises(ConfigError, match="Give a smaller number"):
        settings_from_table(SynthesisSettings, read_toml(path), path.name)


def test_a_port_beyond_any_float(tmp_path):
    path = tmp_path / "line.toml"
    path.write_text(f'{LINE}source = "0"\n[http]\nport = {"9" * 400}\n')
    with pytest.raises(ConfigError, match="Give a smaller number"):
        read_line(path)


@pytest.mark.parametrize(
    "entry",
    [
        '{"image": ' + "[" * 900 + "]" * 900 + "}",
        '{"image": "\\ud800.png"}',
        '{"image": "/' + "a" * 5000 + '.png"}',
        '{"image": "/' + "a/" * 5000 + '.png"}',
    ],
)
def test_a_list_with_a_name_that_no_file_has(tmp_path, entry):
    path = tmp_path / "list.jsonl"
    path.write_text(entry + "\n")
    with pytest.raises(DatasetError, match="line 1: "):
        read_list(path)


@pytest.mark.parametrize("threshold", ["[" * 900, "9" * 400])
def test_a_list_of_defects_that_is_none(tmp_path, threshold):
    entry = '[{"pixel_value": 1, "saturation_threshold": %s, "relative_saturation": false, '
    (tmp_path / DEFECTS_CONFIG_FILE).write_text(entry % threshold + '"defect_name": "a"}]')
    with pytest.raises(DatasetError, match="is no list of defects"):
        defect_rules(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "", "{}", "[]", "{", "0", "[" * 5000, '{"drift": 3}', text_of(record(score=0.4)) + "}",
        text_of(record()).replace('"age_ms": 1.0', '"age_ms": "old"'),
        text_of(record()).replace('"score": 0.1', '"score": NaN'),
        text_of(record()).replace('"score": 0.1', '"score": 1e400'),
        text_of(record()).replace('"verdict": "good"', '"verdict": "fine"'),
        text_of(record()).replace('"sequence": 0', f'"sequence": {10**400}'),
        text_of(record()).replace('"drift": []', '"drift": [1]'),
        text_of(record()).replace('"sequence": 0', '"sequence": 0.5'),
    ],
)  # fmt: skip
def test_a_stored_verdict_that_is_damaged_is_undecided(text):
    found = stored_from(7, text, "an-id", "cap")
    assert (found.position, found.record.id, found.record.station) == (7, "an-id", "cap")
    assert found.record.verdict == "undecided"
    assert found.record.detail == "the stored verdict is damaged"


def test_a_latency_that_was_no_number_is_none_for_a_plc():
    text = text_of(record()).replace('"detect": 1.0', '"detect": null')
    assert words_of(stored_from(1, text, "an-id", "cap"), 0, "ok")[9] == 0


def outbox_with(folder, verdicts, changed):
    """So many undecided verdicts in it, of which the file was changed behind its back."""
    outbox = Outbox(folder, lambda _: None)
    for index in range(verdicts):
        assert outbox.put(record("stale", index=index)).wait(20)
    outbox.close()
    with closing(sqlite3.connect(folder / "outbox.db")) as connection, connection:
        connection.execute(f"UPDATE verdicts SET {changed}")
    return Outbox(folder, lambda _: None)


def test_one_damaged_verdict_holds_up_no_other(tmp_path):
    """A sink that asked for it would ask for ever."""
    outbox = outbox_with(tmp_path, 3, "record = '{' WHERE position = 2")
    try:
        assert [one.record.detail for one in outbox.after(0, 10)][
            1
        ] == "the stored verdict is damaged"
        assert len(outbox.rejects(10)) == 3
    finally:
        outbox.close()


def test_half_a_character_in_a_form_is_refused(tmp_path, toy_bundle):
    pytest.importorskip("cv2")
    from fake_line import FakeLine, client_on

    (tmp_path / "line").mkdir()
    client = client_on(FakeLine(tmp_path / "line", toy_bundle))
    path, kind = "/stations/cap/threshold", {"content-type": "application/json"}
    for body in (
        b'{"value": 0.4, "by": "\\ud800", "why": "a"}',
        b'{"value": 0.4, "\\ud800": "Ada"}',
        b'{"value": 0.4, "value": 0.9, "by": "Ada", "why": "a"}',
    ):
        assert client.post(path, content=body, headers=BEARER | kind).status_code == 400
    body = json.dumps({"token": "\ud800", "who": "Ada"}).encode()
    assert client.post("/enter", content=body, headers=kind).status_code == 400


CONNACK, WRONG_PROTOCOL = b"\x20\x02\0\0", b"\x20\x02\0\1"
GO = b"\x30\x04\0\2go"


def _restarted_broker(server, port, came):
    """Refuses the protocol while it goes down, and is there again soon."""
    connection, _ = server.accept()
    came.append(connection)
    connection.recv(1000)
    server.close()
    connection.sendall(WRONG_PROTOCOL)
    while connection.recv(1000):  # until the client tries anew
        pass
    time.sleep(0.3)
    with socket.create_server(("127.0.0.1", port)) as again:
        connection, _ = again.accept()
        came.append(connection)
        connection.recv(1000)
        connection.sendall(CONNACK + GO)


def test_a_broker_that_refuses_and_goes_down_is_connected_to_again():
    """paho's thread would end with an exception, and nobody would ever ask for a verdict."""
    pytest.importorskip("paho.mqtt")
    came, before = [], threading.excepthook
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    thread = threading.Thread(target=_restarted_broker, args=(server, port, came), daemon=True)
    thread.start()
    threading.excepthook = lambda _: None
    asked = MqttRequests(MqttSettings(port=port), "line", "go")
    try:
        assert asked.requests.wait(40)
        assert len(came) == 2
    finally:
        threading.excepthook = before
        asked.close()
        for connection in came:
            connection.close()


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        (b"position INTEGER NOT", b"posixion INTEGER NOT"),
        (b"position INTEGER NOT", b"posi\x8eion INTEGER NOT"),
        (b"INDEX verdicts_by_time", b"INDEX verdicts_by_t\x8eme"),
        (b"INDEX verdicts_by_time ON verdicts (at)", b"INDEX verdicts_by_time ON verdicts (\x8et)"),
    ],
)
def test_an_outbox_whose_tables_are_called_otherwise(tmp_path, name, damage):
    """The file is whole for SQLite, which says so in bytes that are no text."""
    outbox = Outbox(tmp_path, lambda _: None)
    assert outbox.put(record("stale")).wait(20)
    outbox.close()
    path = tmp_path / "outbox.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = path.read_bytes()
    assert name in content
    path.write_bytes(content.replace(name, damage))
    told = []
    outbox = Outbox(tmp_path, told.append)
    try:
        assert outbox.put(record("stale")).wait(20)
        assert any("was damaged" in one for one in told)
        assert (tmp_path / "outbox.damaged-1.db").exists()
    finally:
        outbox.close()


def test_a_stored_text_that_is_none(tmp_path):
    outbox = outbox_with(tmp_path, 2, "record = CAST(x'8e7b' AS TEXT) WHERE position = 1")
    try:
        details = [one.record.detail for one in outbox.after(0, 10)]
        assert details == ["the stored verdict is damaged", None]
    finally:
        outbox.close()


def test_a_server_that_leads_elsewhere_does_not_pass_the_secret_on():
    """`line check` asks the address of a webhook with its bearer token."""
    asked = []

    class Leads(BaseHTTPRequestHandler):
        def do_HEAD(self):
            asked.append((self.path, self.headers.get("Authorization")))
            self.send_response(307 if self.path == "/a" else 204)
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/b")
            self.end_headers()

        do_GET = do_HEAD  # what it becomes on its way

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Leads) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}/a"
            _webhook(WebhookSettings(url=url, bearer="secret"))
        finally:
            server.shutdown()
            thread.join(20)
    assert asked == [("/a", "Bearer secret"), ("/b", None)]
