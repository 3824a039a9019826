"""Where a page cannot be written is known before the work, which may take hours, not after it."""

import os

import pytest
from typer.testing import CliRunner

from slsg_edge.cli import app
from slsg_edge.errors import StorageError
from slsg_edge.reports.place import require_place

COMMANDS = [
    ("eval", "BUNDLE", "nowhere", "--report"),
    ("eval", "BUNDLE", "nowhere", "--sheet"),
    ("compare", "BUNDLE", "nowhere", "--report"),
    ("calibrate", "BUNDLE", "--int8", "--images", "nowhere", "--report"),
    ("data", "nowhere", "--sheet"),
]


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_no_command_reads_an_image_before_it_knows_the_place(words, toy_bundle, tmp_path):
    given = [str(toy_bundle) if word == "BUNDLE" else word for word in words]
    done = CliRunner().invoke(app, [*given, str(tmp_path)])
    assert isinstance(done.exception, StorageError)
    assert str(done.exception) == f"{tmp_path} is a folder. Give the name of a file in it."


def test_a_file_in_the_way_of_the_folder(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match=r"Cannot write .*file"):
        require_place(tmp_path / "file" / "report.html")


def test_a_folder_that_nobody_may_write_into(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    with pytest.raises(StorageError, match="nothing may be written into"):
        require_place(tmp_path / "report.html")


def test_a_new_folder_is_made(tmp_path):
    require_place(tmp_path / "new" / "report.html")
    assert (tmp_path / "new").is_dir()
    require_place(None)
