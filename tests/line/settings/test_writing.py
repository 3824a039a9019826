"""A written `line.toml` reads back as what it was written from."""

import sys
from pathlib import Path

import pytest

from slsg_edge.errors import ConfigError
from slsg_edge.line.settings.line import (
    DriftSettings,
    HttpSettings,
    LineSettings,
    StationSettings,
    TriggerSettings,
)
from slsg_edge.line.settings.reading import line_from_tables, read_line
from slsg_edge.line.settings.secrets import warnings_of
from slsg_edge.line.settings.sinks import (
    JsonLinesSettings,
    ModbusSettings,
    MqttSettings,
    OpcUaSettings,
    WebhookSettings,
)
from slsg_edge.line.settings.writing import line_text, path_from

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

STATION = StationSettings("bottles", 'a "quoted" \\ ü folder', Path("b.slsg"))
FULL = LineSettings(
    (
        STATION,
        StationSettings(
            "caps",
            "rtsp://camera/1",
            Path("/c.slsg"),
            roi=(1, 2, 3, 4),
            any_size=True,
            backend="openvino",
            sinks=("plc", "mqtt"),
            trigger=TriggerSettings("modbus", sink="plc", coil=7),
        ),
    ),
    name="hall-3",
    folder=Path("/var/lib/line"),
    http=HttpSettings(host="0.0.0.0", port=80, token="${TOKEN}"),
    drift=DriftSettings(enabled=False, false_alarms=1e-4),
    mqtt=(MqttSettings(host="broker", tls=True, ca_file=Path("ca.pem")), MqttSettings("second")),
    modbus=(ModbusSettings("plc", port=502),),
    opcua=(OpcUaSettings(),),
    webhook=(WebhookSettings(url="https://mes/"),),
    json_lines=(JsonLinesSettings(),),
)


@pytest.mark.parametrize("settings", [LineSettings((STATION,)), FULL])
def test_it_reads_back(settings, tmp_path):
    text = line_text(settings)
    assert line_from_tables(tomllib.loads(text), "line.toml") == settings
    (tmp_path / "line.toml").write_text(text)
    assert read_line(tmp_path / "line.toml").name == settings.name


def test_every_key_is_there_to_be_changed(tmp_path):
    """Taken out of its comment, each default is what it was."""
    lines = line_text(LineSettings((STATION,))).splitlines()
    bare = [line[1:] if line.startswith("#") and line[1] not in " :" else line for line in lines]
    text = "\n".join(bare).replace('backend = "onnxruntime"', "").replace('url = ""', 'url = "@u"')
    settings = line_from_tables(tomllib.loads(text), "line.toml")
    assert settings.station[0].limits == STATION.limits
    assert settings.mqtt[0].ca_file == Path("ca.pem")
    assert settings.opcua == (OpcUaSettings(),)


def test_no_line_runs_out_of_the_window():
    assert max(map(len, line_text(FULL).splitlines()[1:])) <= 100


def test_a_name_that_toml_cannot_hold_is_a_sentence():
    with pytest.raises(ConfigError, match="cannot be printed"):
        line_text(LineSettings((StationSettings("a", "\udcff", Path("b.slsg")),)))


def test_paths_are_written_as_the_file_needs_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert path_from(Path("b.slsg"), Path()) == Path("b.slsg")
    assert path_from(Path("b.slsg"), Path("line")) == tmp_path / "b.slsg"
    assert path_from(Path("line/b.slsg"), Path("line")) == Path("b.slsg")


CLEAR = {
    '[[station]]\nname="a"\nsource="rtsp://u:hunter2@c/1"\nbundle="b"\n': "source holds a password",
    '[http]\ntoken="hunter2"\n': "[http].token stands there in clear",
    '[[mqtt]]\npassword="hunter2"\n': "password stands there in clear",
    '[[webhook]]\nurl="https://u:hunter2@mes/"\n': "url holds a password",
    '[[webhook]]\nurl="https://mes/"\nbearer="hunter2"\n': "bearer stands there in clear",
    '[[modbus]]\nhost="0.0.0.0"\n': "lets everybody in that network read it",
    '[[mqtt]]\nhost="broker"\npassword="${P}"\n': "tls = true",
}


@pytest.mark.parametrize("text", CLEAR)
def test_a_secret_in_clear_is_warned_of_and_not_shown(text, tmp_path):
    station = '[[station]]\nname="z"\nsource="0"\nbundle="b"\n'
    (tmp_path / "line.toml").write_text(text + station)
    said = " ".join(warnings_of(read_line(tmp_path / "line.toml")))
    assert CLEAR[text] in said
    assert "hunter2" not in said


def test_secrets_that_stand_elsewhere_are_fine(tmp_path):
    (tmp_path / "line.toml").write_text(
        '[[station]]\nname="z"\nsource="rtsp://u:${P}@c/1"\nbundle="b"\n[http]\ntoken="@t"\n'
        '[[mqtt]]\npassword="${P}"\n[[webhook]]\nurl="${HOOK}"\nbearer="@bearer"\n'
    )
    assert warnings_of(read_line(tmp_path / "line.toml")) == ()
