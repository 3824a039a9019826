"""Two files of scores: which images change verdict, and what they look like."""

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from slsg_edge.archive.parts import write_part
from slsg_edge.archive.rows import Row
from slsg_edge.cli import app
from slsg_edge.images import encode_image
from slsg_edge.images import read_image as read

ROW = Row("a.png", "", "good", 0.2, 0.5, 0.4, None, None, 0.2, 0.1, 0.5, 0.5, "0" * 16)


def rows(**verdicts):
    scores = {"good": 0.2, "anomalous": 0.8, "undecided": None}
    return [
        replace(ROW, file=f"{name}.png", verdict=verdict, score=scores[verdict])
        for name, verdict in verdicts.items()
    ]


@pytest.fixture
def compare(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(before, after, *more):
        write_part(tmp_path / "old.parquet", before)
        write_part(tmp_path / "new.parquet", after)
        return CliRunner().invoke(app, ["compare", "old.parquet", "new.parquet", *more])

    return run


def test_what_changes_is_counted_and_named_the_largest_change_first(compare):
    before = rows(a="good", b="good", c="anomalous", d="good", gone="good")
    after = rows(a="good", b="anomalous", c="good", d="undecided")
    done = compare(before, after)
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert lines[0] == "3 of 4 images change verdict from old.parquet to new.parquet."
    assert "  1 from good to anomalous" in lines
    assert "1 images only in the first file, 0 only in the second." in lines
    assert lines.index("d.png: good 0.200 -> undecided without a score") < lines.index(
        "b.png: good 0.200 -> anomalous 0.800"
    )


def test_nothing_that_changes_is_exit_code_0(compare):
    done = compare(rows(a="good"), rows(a="good"), "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["verdicts"] == {"good -> good": 1}


def test_the_pictures_that_change_are_on_a_sheet(compare, tmp_path):
    folder = tmp_path / "archive"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.png").write_bytes(encode_image(np.full((40, 40, 3), 200, np.uint8)))
    before, after = rows(a="good", b="good"), rows(a="anomalous", b="good")
    done = compare(before, after, "--archive", str(folder), "--sheet", "changed.jpg")
    assert done.exit_code == 1, done.output
    sheet = read(tmp_path / "changed.jpg")
    assert sheet.shape[1] < 2 * 220  # one picture


def test_files_without_a_common_image_are_refused(compare):
    done = compare(rows(a="good"), rows(b="good"))
    assert "no image in common" in str(done.exception)


def test_another_file_is_refused(compare, tmp_path):
    compare(rows(a="good"), rows(a="good"))
    (tmp_path / "new.parquet").write_text("no parquet")
    done = CliRunner().invoke(app, ["compare", "old.parquet", "new.parquet"])
    assert "is no file of scores" in str(done.exception)
