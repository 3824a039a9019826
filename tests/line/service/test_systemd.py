"""What systemd hears of a service."""

import os
import socket

import pytest

from slsg_edge.line.service.systemd import Notifier


@pytest.fixture
def manager(tmp_path, monkeypatch):
    """Listens as systemd does; gives what it heard."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield lambda: listening.recv(4096).decode()


def test_each_word_is_heard(manager):
    notifier = Notifier()
    notifier.ready()
    assert manager() == "READY=1"
    notifier.watchdog()
    assert manager() == "WATCHDOG=1"
    notifier.status("two\nlines")
    assert manager() == "STATUS=two lines"
    notifier.stopping()
    assert manager() == "STOPPING=1"


def test_a_name_in_the_abstract_space(monkeypatch):
    name = f"slsg-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{name}")
        listening.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        Notifier().ready()
        assert listening.recv(100) == b"READY=1"


def test_the_watchdog_is_told_twice_in_its_time(manager, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "10000000")
    assert Notifier().interval == 5.0
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    assert Notifier().interval == 5.0


@pytest.mark.parametrize(("name", "value"), [("WATCHDOG_PID", "1"), ("WATCHDOG_USEC", "soon")])
def test_nobody_watches_this_process(manager, monkeypatch, name, value):
    monkeypatch.setenv("WATCHDOG_USEC", "10000000")
    monkeypatch.setenv(name, value)
    assert Notifier().interval is None


@pytest.mark.parametrize("address", [None, "", "/nowhere/notify", "nonsense"])
def test_without_a_manager_nothing_happens(monkeypatch, address):
    monkeypatch.setenv("NOTIFY_SOCKET", address or "")
    if address is None:
        monkeypatch.delenv("NOTIFY_SOCKET")
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    notifier = Notifier()
    notifier.ready()
    notifier.watchdog()
    notifier.status("fine")
    assert notifier.interval is None
