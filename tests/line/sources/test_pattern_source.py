import itertools
import time

import pytest

from slsg_edge.errors import ConfigError
from slsg_edge.line.sources.frozen import Repeats
from slsg_edge.line.sources.source import open_source


def test_it_moves_and_is_never_frozen():
    with open_source("test:64x48@200") as source:
        frames = list(itertools.islice(source, 6))
    assert source.live
    assert [frame.index for frame in frames] == list(range(6))
    assert {frame.image.shape for frame in frames} == {(48, 64, 3)}
    repeats = Repeats(2)
    assert not any(repeats.frozen(frame.image) for frame in frames)


def test_what_nobody_took_in_time_is_dropped():
    with open_source("test:32x32@100") as source:
        frames = iter(source)
        next(frames)
        time.sleep(0.2)
        next(frames)
        assert source.dropped >= 5


def test_closing_ends_it():
    source = open_source("test:32x32@1")
    frames = iter(source)
    next(frames)
    source.close()
    assert list(frames) == []


@pytest.mark.parametrize("text", ["test:x", "test:0x5", "test:64x48@0", "test:99999x99999"])
def test_what_is_no_pattern_is_refused(text):
    with pytest.raises(ConfigError, match="test:640x480@10"):
        open_source(text)
