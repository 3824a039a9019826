"""The toy bundle as an object, for commands that are called as functions."""

from pathlib import Path

import pytest

from slsg_edge.bundle import Bundle, open_bundle


@pytest.fixture
def opened(toy_bundle: Path) -> Bundle:
    return open_bundle(toy_bundle)
