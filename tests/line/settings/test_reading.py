"""What `line.toml` may say, and the sentence for each thing that it may not."""

from dataclasses import fields
from typing import get_args

import pytest

from slsg_edge.errors import ConfigError
from slsg_edge.line.settings.checking import TRIGGER_KEYS
from slsg_edge.line.settings.line import LineSettings, TriggerKind, TriggerSettings
from slsg_edge.line.settings.reading import read_line

STATION = '[[station]]\nname = "bottles"\nsource = "0"\nbundle = "bottles.slsg"\n'
OTHER = '[[station]]\nname = "caps"\nsource = "1"\nbundle = "caps.slsg"\n'


@pytest.fixture
def line(tmp_path):
    def read(text: str) -> LineSettings:
        path = tmp_path / "line.toml"
        path.write_bytes(text.encode())
        return read_line(path)

    return read


@pytest.fixture
def refused(line):
    def read(text: str) -> str:
        with pytest.raises(ConfigError) as caught:
            line(text)
        return str(caught.value)

    return read


def test_the_least_that_a_line_needs(line):
    settings = line(STATION)
    assert settings.station[0].name == "bottles"
    assert settings.station[0].trigger.kind == "every_frame"
    assert settings.http.port == 8420


def test_relative_paths_are_beside_the_file_and_not_where_the_command_runs(
    line, tmp_path, monkeypatch
):
    monkeypatch.chdir("/")
    settings = line(
        'folder = "kept"\n'
        + STATION
        + STATION.replace("bottles", "drops").replace('"0"', '"drop:incoming"')
        + '[station.trigger]\nkind = "still"\nstill_empty = "empty.png"\n'
        + STATION.replace("bottles", "films").replace('"0"', '"film.mp4"')
        + STATION.replace("bottles", "hidden").replace('"0"', '"@camera.txt"')
        + '[http]\ntoken = "@token"\n[[json_lines]]\n[[webhook]]\nurl = "@hook"\n'
        '[[mqtt]]\npassword = "@password"\ntls = true\nca_file = "ca.pem"\n'
    )
    assert settings.folder == tmp_path / "kept"
    assert settings.station[0].bundle == tmp_path / "bottles.slsg"
    assert settings.station[1].trigger.still_empty == tmp_path / "empty.png"
    sources = [station.source for station in settings.station]
    assert sources == [
        "0", f"drop:{tmp_path}/incoming", f"{tmp_path}/film.mp4", f"@{tmp_path}/camera.txt",
    ]  # fmt: skip
    assert settings.http.token == f"@{tmp_path}/token"
    assert settings.webhook[0].url == f"@{tmp_path}/hook"
    assert settings.mqtt[0].password == f"@{tmp_path}/password"
    assert settings.mqtt[0].ca_file == tmp_path / "ca.pem"
    assert settings.json_lines[0].path == tmp_path / "kept" / "verdicts.jsonl"


@pytest.mark.parametrize(
    "source",
    ["rtsp://u:p@camera/1", "rtsp:/u:p@camera/1", "u:p@camera/1", "/dev/video0", "0", "${CAMERA}",
     "gstreamer:v4l2src ! x", "genicam:1234", "test:", "@/etc/camera"],
)  # fmt: skip
def test_what_is_no_path_stays_as_it_is(line, source):
    assert line(STATION.replace('"0"', f'"{source}"')).station[0].source == source


def test_a_folder_that_is_called_as_a_camera_goes_first(line, tmp_path):
    (tmp_path / "0").mkdir()
    assert line(STATION).station[0].source == str(tmp_path / "0")


def test_windows_line_ends_and_a_byte_order_mark_are_fine(line):
    assert line("\ufeff" + STATION.replace("\n", "\r\n")).station[0].name == "bottles"


UNKNOWN = {
    "stations = 1\n" + STATION: "'station'",
    STATION + 'sorce = "1"\n': "'source'",
    STATION + "[station.triger]\n": "'trigger'",
    STATION + "[station.trigger]\nevry = 2\n": "'every'",
    STATION + '[station.trigger]\nkind = "every-frame"\n': "'every_frame'",
    STATION + "[station.limits]\nmax_age = 2\n": "'max_age_ms'",
    STATION + "[http]\nprt = 2\n": "'port'",
    STATION + '[[mqtt]]\npasword = "x"\n': "'password'",
    STATION + '[[mqtt]]\npayload = "sparklug"\n': "'sparkplug'",
    STATION + '[[mqqt]]\nname = "x"\n': "'mqtt'",
    STATION + 'sinks = ["mqt"]\n[[mqtt]]\n': "'mqtt'",
}


@pytest.mark.parametrize("text", UNKNOWN)
def test_an_unknown_name_gets_the_nearest_known_one(refused, text):
    said = refused(text)
    assert f"Did you mean {UNKNOWN[text]}?" in said
    assert "line.toml" in said


WRONG = {
    "": "no station",
    "station = 1\n": "[[station]]",
    "station = [1]\n": "[[station]]",
    "station = []\n": "no station",
    STATION.replace("[[", "[").replace("]]", "]"): "[[station]]",
    '[[station]]\nname = "b"\nsource = "0"\n': '[station "b"] has no bundle',
    '[[station]]\nbundle = "b"\nsource = "0"\n': "[station 1] has no name",
    STATION + "http = 1\n": "http",
    "http = 1\n" + STATION: "[http] is no table",
    "name = 1\n" + STATION: "line.toml name is 1",
    'name = "a/b"\n' + STATION: "line.toml name is 'a/b'",
    STATION.replace("bottles", "bo/ttles", 1): ".name is 'bo/ttles'",
    STATION.replace("bottles", "../x", 1): ".name is '../x'",
    STATION.replace('"bottles"', '""'): ".name is ''",
    STATION.replace('"0"', '""'): '[station "bottles"].source is empty',
    STATION.replace('"0"', "0"): '[station "bottles"].source is 0',
    STATION + STATION.replace('"0"', '"1"'): "two tables called bottles: [[station]]",
    STATION + STATION.replace('"0"', '"1"').replace("bottles", "Bottles"): "called Bottles",
    STATION + "trigger = 1\n": '[station "bottles"].trigger is 1',
    STATION + "[station.trigger]\nevery = 0\n": '[station "bottles"].trigger.every is 0',
    STATION + "[station.trigger]\nevery = true\n": '[station "bottles"].trigger.every is True',
    STATION + "[station.trigger]\nevery_ms = 50\n": "the kind of the trigger is every_frame",
    STATION + '[station.trigger]\nkind = "still"\ncoil = 1\n': 'give kind = "modbus"',
    STATION + '[station.trigger]\nkind = "interval"\nsink = "x"\n': '"mqtt" or "modbus"',
    STATION + '[station.trigger]\nkind = "mqtt"\ntopic = "x"\n': "no [[mqtt]] table",
    STATION + '[station.trigger]\nkind = "modbus"\n[[mqtt]]\n': "no [[modbus]] table",
    STATION + '[station.trigger]\nkind = "mqtt"\n[[mqtt]]\n': "has no topic",
    STATION + "roi = [0, 0, 0, 9]\n": "roi is [0, 0, 0, 9]",
    STATION + "roi = [-1, 0, 5, 9]\n": "roi is [-1, 0, 5, 9]",
    STATION + "roi = [1, 2, 3]\n": "roi has 3 values",
    STATION + "[station.limits]\nmax_age_ms = 1\n": "max_age_ms is 1. Give a number of at least 50",
    STATION + "[http]\nport = 70000\n": "[http].port is 70000",
    STATION + '[http]\nhost = "0.0.0.0"\n': "there is no token",
    STATION + '[http]\nhost = ""\n': "there is no token",
    STATION + "[http]\nport = 5020\n[[modbus]]\n": '[modbus "modbus"].port is 5020',
    STATION + '[[modbus]]\n[[modbus]]\nname = "b"\n': '[modbus "b"].port is 5020',
    STATION + '[[modbus]]\n[[opcua]]\nport = 5020\nhost = "0.0.0.0"\n': "[opcua",
    STATION + "[[mqtt]]\n[[mqtt]]\n": "two tables called mqtt: [[mqtt]].",
    STATION + '[[mqtt]]\nname = "x"\n[[opcua]]\nname = "x"\n': "called x: [[mqtt]] and [[opcua]]",
    STATION + '[[mqtt]]\ntopic = "a/#"\n': "topic is 'a/#'",
    STATION + '[[mqtt]]\nhost = ""\n': "host is empty",
    STATION + '[[mqtt]]\nca_file = "ca.pem"\n': "tls is false",
    STATION + '[[mqtt]]\ntls = true\ncertificate = "c.pem"\n': "one of certificate and key_file",
    STATION + "[[webhook]]\n": "url is no URL",
    STATION + "[drift]\nfalse_alarms = nan\n": "false_alarms is nan",
    STATION + "[drift]\nfalse_alarms = 1\n": "from 1e-06 to 0.5",
    STATION + "[keep]\ngood_share = 2\n": "[keep].good_share is 2",
    STATION + 'name = "twice"\n': "not valid TOML",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_cannot_be_right_is_said_with_its_table(refused, text):
    said = refused(text)
    assert WRONG[text] in said
    assert "line.toml" in said


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0", "/dev/video0"),
        ("1", "01"),
        ("rtsp://cam/1", "rtsp://user:${NOBODY}@CAM:554/1/"),
        ("http://cam/video.mjpg?a=1", "http://cam:80/video.mjpg?a=1"),
        ("${CAMERA}", "rtsp://cam/1"),
        ("${NOBODY}", "${NOBODY}"),
        ("drop:in", "drop:./in"),
        ("drop:in", "drop:in?after=move"),
        ("genicam:1", "genicam:1"),
        ("/dev/video0", "gstreamer:v4l2src device=/dev/video0 ! videoconvert"),
        ("gstreamer:rtspsrc location=rtsp://cam/1 ! decodebin", "rtsp://u:p@cam/1"),
        ("gstreamer:aravissrc  ! x", "gstreamer:aravissrc ! x"),
    ],
)
def test_two_stations_on_one_camera_are_refused_by_name(refused, monkeypatch, one, other):
    monkeypatch.setenv("CAMERA", "rtsp://user:secret@cam/1")
    said = refused(STATION.replace('"0"', f'"{one}"') + OTHER.replace('"1"', f'"{other}"'))
    assert '[station "caps"].source is the camera of the station bottles' in said
    assert "secret" not in said


@pytest.mark.parametrize("source", ["film.mp4", "test:", "http://server/film.mp4"])
def test_any_number_of_stations_read_one_film(line, source):
    settings = line(STATION.replace('"0"', f'"{source}"') + OTHER.replace('"1"', f'"{source}"'))
    assert len(settings.station) == 2


def test_ports_on_other_addresses_and_free_ones_are_not_the_same(line):
    two = '[[modbus]]\nhost = "10.0.0.1"\n[[opcua]]\nhost = "10.0.0.2"\nport = 5020\n'
    free = '[[modbus]]\nname = "free"\nport = 0\n[[modbus]]\nname = "free2"\nport = 0\n'
    assert len(line(STATION + two + free).modbus) == 3


@pytest.mark.parametrize("host", ["127.0.0.5", "::1", "localhost"])
def test_every_loopback_address_needs_no_token(line, host):
    assert line(STATION + f'[http]\nhost = "{host}"\n').http.host == host


def test_a_page_that_is_not_served_needs_no_token(line):
    assert not line(STATION + '[http]\nhost = "0.0.0.0"\nenabled = false\n').http.enabled


def test_a_trigger_takes_the_only_sink_of_its_kind_or_the_one_that_it_names(line, refused):
    trigger = STATION + '[station.trigger]\nkind = "modbus"\ncoil = 3\n'
    two = '[[modbus]]\nname = "a"\n[[modbus]]\nname = "b"\nport = 5021\n'
    assert line(trigger + "[[modbus]]\n").station[0].trigger.coil == 3
    assert "which of a, b" in refused(trigger + two)
    assert line(trigger + 'sink = "b"\n' + two).station[0].trigger.sink == "b"
    assert "Did you mean 'b'?" in refused(trigger + 'sink = "bb"\n' + two)


def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path):
    with pytest.raises(ConfigError, match="Cannot read"):
        read_line(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match=r"Cannot read|not valid"):
        read_line(tmp_path)


def test_each_key_of_a_trigger_is_of_a_kind():
    keys = {one.name for one in fields(TriggerSettings)} - {"kind"}
    assert frozenset().union(*TRIGGER_KEYS.values()) == keys
    assert {*TRIGGER_KEYS} == {*get_args(TriggerKind)}
