import pytest

from slsg_edge.errors import ConfigError
from slsg_edge.line.sources.addresses import with_secrets
from slsg_edge.line.sources.source import open_source


def test_a_variable_stands_for_its_value(monkeypatch):
    monkeypatch.setenv("CAMERA", "a:b/c@d")
    assert with_secrets("rtsp://user:${CAMERA}@host/1") == "rtsp://user:a:b%2Fc%40d@host/1"
    monkeypatch.setenv("CAMERA", "rtsp://u:p@host/1")
    assert with_secrets("${CAMERA}") == "rtsp://u:p@host/1"


def test_a_file_holds_the_address(tmp_path, monkeypatch):
    file = tmp_path / "camera"
    file.write_text("rtsp://user:${CAMERA}@host/1\nmore\n")
    monkeypatch.setenv("CAMERA", "x")
    assert with_secrets(f"@{file}") == "rtsp://user:x@host/1"


@pytest.mark.parametrize("text", ["/data/$HOME", "rtsp://c/${", "0", "a@b"])
def test_everything_else_stays(text):
    assert with_secrets(text) == text


def test_what_is_not_there_is_said(tmp_path, monkeypatch):
    monkeypatch.delenv("CAMERA", raising=False)
    with pytest.raises(ConfigError, match="no such variable"):
        with_secrets("rtsp://${CAMERA}@host/1")
    with pytest.raises(ConfigError, match="no file"):
        with_secrets(f"@{tmp_path / 'absent'}")
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(ConfigError, match="holds no address"):
        with_secrets(f"@{tmp_path / 'empty'}")


@pytest.mark.parametrize("text", ["rtsp:/u:secret@c/1", "rtsp:u:secret@c/1", "u:secret@c/1"])
def test_what_was_meant_as_a_url_is_not_told_as_a_file(text):
    with pytest.raises(ConfigError, match="is not a URL") as caught:
        open_source(text)
    assert "secret" not in str(caught.value)
    assert "//" not in caught.value.what  # it is told as it was given
