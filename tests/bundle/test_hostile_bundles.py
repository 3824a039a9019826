"""Hostile bundles, each as it reaches the command `watch`, and the words of its refusal."""

import re
import shutil

import cv2
import numpy as np
import pytest
from conftest import HALF, TOY, build_bundle
from harms import HARMS
from hostile_content import CONTENTS
from signed import World, world_of
from typer.testing import CliRunner

from slsg_edge import cli
from slsg_edge.errors import SlsgError


@pytest.fixture(scope="module")
def unharmed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unharmed")
    toy = build_bundle(folder / "toy.slsg", TOY.read_bytes(), HALF)
    return world_of(folder / "world", toy.path)


@pytest.fixture
def world(tmp_path, unharmed, monkeypatch):
    made = World(shutil.copytree(unharmed.folder, tmp_path / "world"))
    monkeypatch.setenv("SLSG_EDGE_TRUST", str(made.store))
    return made


@pytest.fixture
def frame(tmp_path):
    path = tmp_path / "frame.png"
    cv2.imwrite(str(path), np.full((64, 64, 3), 40, np.uint8))
    return path


def watch(bundle, frame):
    return CliRunner().invoke(cli.app, ["watch", str(bundle), str(frame)])


def refusal(bundle, frame):
    """Words and next step, as `main` prints them; no verdict was given."""
    result = watch(bundle, frame)
    assert isinstance(result.exception, SlsgError), (result.exception, result.output)
    assert "verdict" not in result.output
    return f"{result.exception.what} {result.exception.fix}"


def test_there_are_at_least_80():
    assert len(HARMS) + len(CONTENTS) >= 80


def test_nothing_is_refused_that_nobody_harmed(world: World, frame):
    for bundle in (world.bundle, world.other):
        assert '"verdict": "good"' in watch(bundle, frame).output


@pytest.mark.parametrize("harm", HARMS)
def test_a_harmed_bundle_is_refused_by_a_machine_that_trusts_its_maker(world, frame, harm):
    do, words = HARMS[harm]
    do(world)
    assert re.search(words, refusal(world.bundle, frame))


@pytest.mark.parametrize("content", CONTENTS)
def test_hostile_content_is_refused_though_its_digest_is_right(toy_bundle, frame, content):
    do, words = CONTENTS[content]
    do(toy_bundle)
    assert re.search(words, refusal(toy_bundle, frame))
