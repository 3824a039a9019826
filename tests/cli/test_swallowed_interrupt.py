"""A Ctrl-C that a library swallows, and fails of later, is still a Ctrl-C."""

import os
import signal
from contextlib import suppress

import pytest

from slsg_edge import cli


def test_what_a_library_makes_of_ctrl_c_is_no_bug_of_ours(monkeypatch, capsys):
    def half_imported(**_):
        with suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        raise AttributeError("module 'torch._dynamo' has no attribute 'exc'")

    monkeypatch.setattr(cli, "app", half_imported)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 130
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_without_ctrl_c_a_bug_keeps_its_traceback(monkeypatch):
    def has_a_bug(**_):
        raise AttributeError("no attribute 'exc'")

    monkeypatch.setattr(cli, "app", has_a_bug)
    with pytest.raises(AttributeError):
        cli.main()


def test_a_process_that_hears_no_ctrl_c_goes_on_so(monkeypatch):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        monkeypatch.setattr(cli, "app", lambda **_: None)
        cli.main()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
