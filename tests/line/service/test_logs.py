"""The log of a line: structured where asked for, and never with a password."""

import json
import logging

import pytest

from slsg_edge.line.service.logs import configure_logging, without_secrets


@pytest.fixture(autouse=True)
def logging_as_before(monkeypatch):
    root = logging.getLogger()
    handlers, level, raising = root.handlers[:], root.level, logging.raiseExceptions
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    yield
    root.handlers, logging.raiseExceptions = handlers, raising
    root.setLevel(level)


def test_each_message_is_an_object_on_its_line(capsys):
    configure_logging(json=True)
    logging.getLogger("slsg_edge.line").warning("lost %s", "a\nb", extra={"station": "bottles"})
    line = json.loads(capsys.readouterr().err)
    assert line["level"] == "warning"
    assert line["station"] == "bottles"
    assert line["message"].startswith("lost a")
    assert "\n" not in line["message"]


def test_as_text_a_message_stays_on_its_line(capsys):
    configure_logging(json=False)
    logging.getLogger("x").error("one\ntwo")
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_journald_gets_the_level(capsys, monkeypatch):
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    configure_logging(json=False)
    logging.getLogger("x").error("lost")
    assert capsys.readouterr().err == "<3>lost\n"


@pytest.mark.parametrize("as_json", [True, False])
def test_no_credential_is_written_wherever_it_stands(capsys, as_json):
    configure_logging(json=as_json)
    log = logging.getLogger("x")
    log.info("rtsp://user:hunter2@camera/1", extra={"source": "rtsp://user:hunter2@camera/1"})
    log.info("Authorization: Bearer hunter2")
    try:
        raise OSError("cannot reach http://user:hunter2@broker/")
    except OSError:
        log.exception("failed with token=hunter2")
    said = capsys.readouterr().err
    assert "camera" in said
    assert "cannot reach" in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    "text",
    ["password: hunter2", "{'token': 'hunter2'}", "api_key=hunter2;", "bearer hunter2",
     "authorization: basic hunter2", 'PASSWORD="hunter2"'],
)  # fmt: skip
def test_a_value_behind_its_name_is_hidden(text):
    assert "hunter2" not in without_secrets(text)


def test_words_stay():
    text = "the token of the page is wrong; give the password"
    assert without_secrets(text) == text


def test_a_message_that_does_not_fit_its_values_stops_nothing(capsys):
    configure_logging(json=True)
    logging.getLogger("x").warning("%d", "no number")
    assert json.loads(capsys.readouterr().err)["message"] == "%d"


def test_talkative_libraries_are_heard_only_when_something_is_wrong(capsys):
    configure_logging(json=False)
    logging.getLogger("asyncua.server").info("a client")
    logging.getLogger("asyncua.server").warning("a fault")
    assert "a client" not in capsys.readouterr().err
