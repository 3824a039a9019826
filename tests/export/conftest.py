"""Bundles to export."""

import functools

import pytest
from untrained import untrained_bundle


@pytest.fixture
def trained(tmp_path):
    """A function of variant and side that gives a bundle as `train` would leave it."""
    return functools.partial(untrained_bundle, tmp_path)
