"""A machine with too little memory is told so in a sentence, before a long run where it can be."""

import errno
import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from slsg_edge import cli
from slsg_edge.errors import ConfigError, out_of_memory
from slsg_edge.images import ImageError, read_image
from slsg_edge.models.npad.settings import NpadSettings
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.training.settings import TrainSettings, require_memory

TOO_MUCH = 2**55  # bytes: no machine has them


def numpy_fails(**_):
    np.empty(TOO_MUCH, np.uint8)


def torch_fails(**_):
    torch.empty(TOO_MUCH, dtype=torch.uint8)


def opencv_fails(**_):
    raise cv2.error("OpenCV(5.0.0) alloc.cpp:73: error: (-4:Insufficient memory) Failed to allo...")


def cuda_fails(**_):
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 320.00 MiB.")


def fork_fails(**_):
    raise OSError(errno.ENOMEM, "Cannot allocate memory")


@pytest.mark.parametrize("fails", [numpy_fails, torch_fails, opencv_fails, cuda_fails, fork_fails])
def test_every_library_that_runs_short_is_understood(fails, monkeypatch, capsys):
    monkeypatch.setattr(cli, "app", fails)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert "error: There is not enough memory here: " in capsys.readouterr().err


def test_another_error_keeps_its_traceback(monkeypatch):
    def has_a_bug(**_):
        raise RuntimeError("index 7 is out of range")

    monkeypatch.setattr(cli, "app", has_a_bug)
    with pytest.raises(RuntimeError, match="out of range"):
        cli.main()


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space"), ValueError("7"), KeyError()])
def test_nothing_else_is_taken_for_it(error):
    assert out_of_memory(error) is None


@pytest.mark.skipif(sys.platform != "linux", reason="the system does not tell its memory")
def test_a_size_that_no_memory_holds_is_refused_at_the_start(tmp_path):
    huge = replace(NpadSettings(), preprocessing=Preprocessing(height=100_000, width=100_000))
    with pytest.raises(ConfigError, match=r"need 15,360 GB .* 100000x100000 .* --size"):
        require_memory(huge)


def test_settings_that_need_little_are_not_asked(monkeypatch):
    monkeypatch.setattr("slsg_edge.training.settings.memory_mb", lambda: (1.0, 1.0))
    require_memory(TrainSettings())
    with pytest.raises(ConfigError, match="this machine has 0 GB"):
        require_memory(NpadSettings())


def test_a_picture_that_memory_is_too_small_for_is_not_called_broken(tmp_path, monkeypatch):
    assert cv2.imwrite(str(tmp_path / "large.png"), np.zeros((20, 20, 3), np.uint8))

    def runs_short(*_):
        error = cv2.error("(-4:Insufficient memory) Failed to allocate 243000000 bytes")
        error.code = -4
        raise error

    monkeypatch.setattr(cv2, "imdecode", runs_short)
    with pytest.raises(ImageError, match="not enough memory to decode") as caught:
        read_image(tmp_path / "large.png")
    assert caught.value.fault.reason == "unreadable"
