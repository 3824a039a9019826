"""SOURCE as a user writes it: which folder is meant, and what of it is inspected."""

import os
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from slsg_edge import cli
from slsg_edge.errors import CameraError, DatasetError
from slsg_edge.line.sources.source import open_source


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("0/img1.png", "0/img10.png", "0/img2.png", "day2/defect.jfif"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(cv2.imencode(".jpg", np.zeros((4, 4, 3), np.uint8))[1].tobytes())
    Path("0/day2").symlink_to("../day2")
    return tmp_path


def frames(source):
    with open_source(source) as opened:
        return [(Path(one.origin).name, one.fault) for one in opened]


@pytest.mark.parametrize("source", ["0", "./0", "0/"])
def test_a_folder_called_0_is_a_folder_with_all_that_is_linked_into_it(folder, source):
    assert [name for name, fault in frames(source) if fault is None] == [
        "defect.jfif", "img1.png", "img2.png", "img10.png",
    ]  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="devices have other names")
@pytest.mark.parametrize("source", ["987", "/dev/video987"])
def test_a_number_without_a_folder_is_a_camera(folder, source):
    with pytest.raises(CameraError, match="no camera /dev/video987"):
        open_source(source)


@pytest.mark.parametrize("source", ["", " ", "\n"])
def test_an_empty_source_is_refused_and_not_the_current_folder(folder, source):
    with pytest.raises(DatasetError, match="SOURCE is empty"):
        open_source(source)


def test_a_link_that_leads_nowhere_is_a_frame_that_nobody_saw(folder):
    Path("0/gone.png").symlink_to("nowhere.png")
    assert [name for name, fault in frames("0") if fault] == ["gone.png"]


def test_what_is_left_out_is_known_to_who_opened_it(folder):
    Path("0/a.heic").write_bytes(b"x")
    os.mkfifo("0/pipe.png")
    with open_source("0") as opened:
        assert len(opened.notes) == 2
    assert opened.notes[0].startswith("left out: 1 file ")


def test_a_folder_of_other_files_says_which_they_are(folder):
    Path("other").mkdir()
    Path("other/a.heic").write_bytes(b"x")
    with pytest.raises(DatasetError, match=r"holds no images\. It has 1 file called \.heic"):
        open_source("other")


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["0", "--rejects", "0"], "--rejects"),
        (["./0", "--rejects", "link/kept"], "--rejects"),
        (["0", "--rejects", "day2/kept"], "--rejects"),
        (["0", "--record", "3", "--record-to", "0/kept"], "--record-to"),
        ([".", "--record", "3"], "--record-to"),
    ],
)
def test_a_watch_that_would_inspect_what_it_writes_is_refused(
    folder, monkeypatch, capsys, words, option
):
    Path("link").symlink_to("0")
    monkeypatch.setattr(sys, "argv", ["slsg-edge", "watch", "x.slsg", *words])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 2
    assert f"error: {option} " in (said := capsys.readouterr().err)
    assert "outside of that folder" in said
    assert not Path("0/kept").exists()


@pytest.mark.parametrize("command", ["data", "info"])
def test_an_error_never_writes_what_a_terminal_obeys(folder, monkeypatch, capsys, command):
    monkeypatch.setattr(sys, "argv", ["slsg-edge", command, "no\x1b]0;owned\x07\udcfcsuch"])
    with pytest.raises(SystemExit):
        cli.main()
    said = capsys.readouterr().err
    assert r"no\x1b]0;owned\x07\udcfcsuch" in said
    assert "\x1b" not in said
