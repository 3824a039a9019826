"""Several line PCs on one broker and one repository, as processes would be, in this one."""

import json
import time
from contextlib import ExitStack
from datetime import datetime

import pytest
from broker import Listener, running_broker
from deploys import Here, variant
from fleets import InThread, Published, line_of, update
from lines import reaches, running, until
from typer.testing import CliRunner

pytest.importorskip("tuf", reason="pip install 'slsg-edge[fleet]'")
pytest.importorskip("paho.mqtt", reason="pip install 'slsg-edge[station]'")

from slsg_edge import cli
from slsg_edge.bundle.folder import open_bundle
from slsg_edge.bundle.region import fingerprint_of
from slsg_edge.cli import fleet as cli_fleet
from slsg_edge.line.deploy import staging
from slsg_edge.line.fleet import following
from slsg_edge.line.fleet.reports import report_from

TEN = 10
PATIENCE = 180.0  # seconds: ten lines are on a few cores


@pytest.fixture(autouse=True)
def here(monkeypatch):
    monkeypatch.setattr(staging, "Apart", Here)
    monkeypatch.setattr(following, "begun", InThread)


@pytest.fixture
def base(toy_bundle):
    return variant(toy_bundle, "base", 0.99)


@pytest.fixture
def broker(tmp_path):
    with running_broker(tmp_path) as started:
        yield started


def mqtt(broker):
    return f"[[mqtt]]\nport = {broker.port}\n"


def status(broker, *more):
    return CliRunner().invoke(cli.app, ["fleet", "status", f"127.0.0.1:{broker.port}", *more])


def seen(broker) -> list:
    done = status(broker, "--json")
    found: list = json.loads(done.stdout or "[]")
    return found


def come_to(broker, what) -> None:
    """Until it is so of all ten."""
    end = time.monotonic() + PATIENCE
    while sum(bool(what(each)) for each in seen(broker)) < TEN:
        assert time.monotonic() < end, [what(each) for each in seen(broker)]


def tamper(published) -> None:
    for path in (published.place / "targets").rglob("*.zip"):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)


@pytest.mark.slow
def test_ten_line_pcs_take_back_a_bad_release_and_refuse_a_mirror(
    base, broker, tmp_path, monkeypatch
):
    published = Published(tmp_path)
    strict = variant(base, "strict", 1e-6)
    with ExitStack() as stack:
        lines = []
        for number in range(TEN):
            more = update(published.place, published.root)
            folder = tmp_path / f"pc{number}"
            path = line_of(folder, base, mqtt(broker), more, name=f"line-{number}")
            lines.append(stack.enter_context(running(path)))
        come_to(broker, lambda one: one["ready"] and one["online"])
        bad = published.publish(strict)
        come_to(broker, lambda one: one["last"] and one["last"]["end"] == "rolled back")
        assert status(broker).exit_code == 1
        published.publish(variant(base, "third", 0.98))
        tamper(published)
        come_to(broker, lambda one: one["pull"]["state"] == "refused")
        good = fingerprint_of(open_bundle(base))
        found = seen(broker)
        assert {each["bundle"] for each in found} == {good}
        assert {each["last"]["bundle"] for each in found} == {f"{bad}.slsg"}
        for service in lines:
            reaches(service, "a", service.outbox.last_sequence("a") + 1)
        monkeypatch.setenv("COLUMNS", "250")  # a narrow screen breaks sentences
        done = status(broker)
        assert done.exit_code == 1
        assert done.stdout.count("is refused") == TEN
        assert done.stdout.count("was rolled back") == TEN


def test_a_report_is_kept_and_says_that_its_line_is_gone(base, broker, tmp_path):
    path = line_of(tmp_path / "pc", base, mqtt(broker))
    with running(path) as service:
        reaches(service, "a", 3)
        until(lambda: seen(broker) and seen(broker)[0]["state"] == "ok")
        done = CliRunner().invoke(cli.app, ["fleet", "status", str(path)])
        assert (done.exit_code, fingerprint_of(open_bundle(base)) in done.stdout) == (0, True)
    later = Listener(broker.port, "slsg-edge/#", "later")
    until(lambda: later.on("/a/report"))
    later.close()
    report = report_from(later.on("/a/report")[0])
    assert (report.line, report.station, report.threshold) == ("line", "a", 0.99)
    assert seen(broker)[0]["online"] is False


def test_a_message_has_it_look_and_takes_only_what_is_signed(base, broker, tmp_path):
    published = Published(tmp_path)
    published.publish(variant(base, "other", 0.98))
    more = f'[update]\nrepository = "{published.place}"\nroot = "{published.root}"\nmqtt = true\n'
    window = f'window = "{closed()}"\n'
    path = line_of(tmp_path / "pc", base, mqtt(broker), more + window)
    with running(path) as service:
        reaches(service, "a", 3)
        asking = Listener(broker.port, "slsg-edge/#", "asking")
        until(lambda: asking.on("/a/report"))
        asking.send("slsg-edge/line/update", b"now")
        until(lambda: service.following.last)
        asking.close()
        assert service.following.last
        assert service.following.last.state == "refused"
        assert "is not signed" in service.following.last.said
        until(lambda: ("update", "refused") in kinds(service))


def kinds(service) -> set:
    return {(each.kind, each.state) for each in service.outbox.events()}


def closed() -> str:
    """A window of one minute twelve hours from now."""
    hour = (datetime.now().hour + 12) % 24
    return f"{hour:02}:00-{hour:02}:01"


@pytest.mark.parametrize(
    ("window", "hour", "inside"),
    [
        ("", 12, True),
        ("08:00-17:00", 12, True),
        ("08:00-17:00", 17, False),
        ("22:00-05:00", 23, True),
        ("22:00-05:00", 4, True),
        ("22:00-05:00", 12, False),
    ],
)
def test_a_window_may_go_over_midnight(window, hour, inside):
    assert following.within(window, datetime(2026, 1, 1, hour)) == inside


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b'{"version": 2}', b'{"version": 1}', b"\0"])
def test_what_is_no_report_is_passed_over(payload):
    with pytest.raises(ValueError, match=r"\w"):
        report_from(payload)


def test_a_broker_that_is_not_there_is_a_sentence(monkeypatch):
    monkeypatch.setattr(cli_fleet, "_PATIENCE", 0.2)
    done = CliRunner().invoke(cli.app, ["fleet", "status", "127.0.0.1:1"])
    assert "does not answer" in str(done.exception)
