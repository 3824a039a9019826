"""Threads that wait leave the cores to others."""

import os
import sys

import pytest

from slsg_edge.cli import main


@pytest.fixture
def told(monkeypatch):
    def run(*policy):
        monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
        for value in policy:
            monkeypatch.setenv("OMP_WAIT_POLICY", value)
        monkeypatch.setattr(sys, "argv", ["slsg-edge", "--version"])
        with pytest.raises(SystemExit):
            main()
        return os.environ["OMP_WAIT_POLICY"]

    return run


def test_they_sleep_unless_somebody_wants_otherwise(told):
    assert told() == "PASSIVE"
    assert told("ACTIVE") == "ACTIVE"
