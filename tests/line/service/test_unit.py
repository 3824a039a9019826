"""The unit of systemd for a line, as systemd itself reads it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from slsg_edge.errors import ConfigError
from slsg_edge.line.service.unit import unit_of
from slsg_edge.line.settings.line import HttpSettings, LineSettings, StationSettings
from slsg_edge.line.settings.sinks import JsonLinesSettings, ModbusSettings, MqttSettings

STATION = StationSettings("a", "drop:/srv/in?after=move", Path("/srv/b 1.slsg"))


def _lines(settings: LineSettings, file: str = "/srv/line.toml") -> list[str]:
    return unit_of(Path(file), settings, "nobody", ["/bin/true"]).text.splitlines()


def _line(**changes: object) -> LineSettings:
    return LineSettings((STATION,), folder=Path("/srv/data"), **changes)  # type: ignore[arg-type]


def test_it_writes_only_where_the_line_writes():
    lines = _lines(_line(json_lines=(JsonLinesSettings(path=Path("/var/log/v.jsonl")),)))
    assert 'ReadWritePaths=/srv/data -/var/log "-/srv/b 1.slsg" -/srv/in' in lines
    assert "ProtectSystem=strict" in lines
    assert "Type=notify" in lines


def test_a_port_that_needs_a_right_gets_it_and_no_other():
    low = _lines(_line(modbus=(ModbusSettings(port=502),)))
    assert "AmbientCapabilities=CAP_NET_BIND_SERVICE" in low
    assert "CapabilityBoundingSet=CAP_NET_BIND_SERVICE" in low
    assert "AmbientCapabilities=" in _lines(_line())


def test_what_lies_in_tmp_is_not_hidden():
    assert "PrivateTmp=yes" in _lines(_line())
    assert "PrivateTmp=no" in _lines(_line(), "/tmp/line.toml")


def test_words_with_signs_of_systemd_are_kept():
    text = unit_of(Path("/srv/50 %/$x/line.toml"), _line(), "nobody", ["/opt/a b"]).text
    assert 'ExecStart="/opt/a b" watch "/srv/50 %%/$$x/line.toml"' in text
    with pytest.raises(ConfigError, match="cannot stand in a unit"):
        _lines(_line(), "/srv/a\nExecStart=b/line.toml")


def test_it_says_which_variables_the_line_needs():
    settings = _line(http=HttpSettings(token="${PAGE}"), mqtt=(MqttSettings(password="${PW}"),))
    assert unit_of(Path("/l.toml"), settings, "u", ["x"]).variables == ("PAGE", "PW")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze")
def test_systemd_finds_nothing_wrong(tmp_path):
    unit = unit_of(Path("/srv/line.toml"), _line(), "root", ["/bin/true"])
    file = tmp_path / f"{unit.name}.service"
    file.write_text(unit.text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(file)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert not [line for line in (done.stdout + done.stderr).splitlines() if unit.name in line]
