"""The report on a shift, through the command line, from the outbox of a line."""

import csv
import json
from dataclasses import replace
from datetime import datetime, timezone

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.bundle.region import fingerprint_of
from slsg_edge.cli import app
from slsg_edge.errors import SlsgError
from slsg_edge.line.outbox.outbox import Outbox
from slsg_edge.line.records import Record, new_id

LINE = 'folder = "data"\n[[station]]\nname = "a"\nsource = "0"\nbundle = "a.slsg"\n'
START = datetime(2026, 11, 30, 6, tzinfo=timezone.utc).timestamp()
HOURS = ["--from", "2026-11-30T06:00Z", "--to", "2026-11-30T14:00Z"]


def _record(minute, verdict="good", **changes):
    captured = datetime.fromtimestamp(START + 60 * minute, timezone.utc).isoformat()
    reason = "no_frame" if verdict == "undecided" else None
    score = None if verdict == "undecided" else 0.9 if verdict == "anomalous" else 0.1
    record = Record(
        0, "0", captured, 0.0, 3.0, verdict, score, None if score is None else 0.5, None, reason,
        None, {}, "b" * 16, id=new_id(), station="a", sequence=minute,
    )  # fmt: skip
    return replace(record, **changes)


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "line.toml").write_text(LINE)
    return lambda *words: CliRunner().invoke(app, ["report", *words])


@pytest.fixture
def outbox(tmp_path):
    box = Outbox(tmp_path / "data", lambda text: None)
    yield box
    box.close()


def _put(outbox, *records):
    for record in records:
        outbox.put(record)
    assert outbox.flush(20)


def test_a_shift_of_a_line_that_runs(run, outbox, tmp_path):
    picture = tmp_path / "data" / "pictures" / "1.png"
    picture.parent.mkdir()
    cv2.imwrite(str(picture), np.full((40, 60, 3), 90, np.uint8))
    rejected = _record(70, "anomalous", image="pictures/1.png", detail="<script>x</script>")
    _put(
        outbox,
        _record(-1, "anomalous"),
        _record(1),
        _record(2, drift=("brightness",)),
        _record(65, "undecided"),
        rejected,
        _record(75, threshold=0.6, bundle="c" * 16),
        _record(8 * 60, "anomalous"),
    )
    outbox.label(rejected.id, "good", "Ada")
    assert outbox.flush(20)
    done = run(*HOURS, "-o", "shift.html", "--csv", "shift.csv", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["stations"] == {"a": {"good": 3, "undecided": 1, "anomalous": 1}}
    page = (tmp_path / "shift.html").read_text()
    assert "<script>" not in page
    assert "data:image/jpeg" in page
    assert "a person says: good" in page
    assert "brightness" in page
    assert "b" * 16 in page
    assert "c" * 16 in page
    with (tmp_path / "shift.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["verdict"] for row in rows] == ["good", "good", "undecided", "anomalous", "good"]
    assert rows[3]["label"] == "good"
    assert rows[1]["drift"] == "brightness"


def test_an_hour_without_a_camera_hides_no_reject(run, outbox, tmp_path):
    _put(outbox, _record(1, "anomalous"), *(_record(n, "undecided") for n in range(2, 300)))
    assert run(*HOURS, "-o", "s.html", "--csv", "s.csv").exit_code == 0
    page = (tmp_path / "s.html").read_text()
    assert page.count('class="reject"') == 1
    assert "298 (99.7%)" in page


def test_a_bundle_that_the_line_runs_is_named(run, outbox, tmp_path, toy_bundle):
    (tmp_path / "a.slsg").symlink_to(toy_bundle)
    fingerprint = fingerprint_of(open_bundle(tmp_path / "a.slsg"))
    _put(outbox, _record(1, bundle=fingerprint))
    assert run(*HOURS, "-o", "s.html", "--csv", "s.csv").exit_code == 0
    assert f"a.slsg ({fingerprint})" in (tmp_path / "s.html").read_text()


def test_names_come_from_the_line_and_the_start(run, outbox, tmp_path):
    _put(outbox, _record(1))
    assert run(*HOURS).exit_code == 0
    assert run(*HOURS).exit_code == 0  # an earlier one is written anew
    assert [path.suffix for path in sorted(tmp_path.glob("line-2026-11-30T*"))] == [".csv", ".html"]


def test_a_shift_without_a_part_is_a_report_too(run, outbox, tmp_path):
    done = run(*HOURS, "-o", "s.html", "--csv", "s.csv")
    assert done.exit_code == 0
    assert "a: no part" in done.stdout
    assert "No part was judged." in (tmp_path / "s.html").read_text()


def test_downtime_is_told_by_its_cause(run, outbox, tmp_path):
    outbox.event("started", "", "ok", "the line started")
    outbox.event("source", "a", "lost", "camera <b>gone</b>")
    assert outbox.flush(20)
    # Events carry the time of now.
    done = run("--from", "2020-01-01", "-o", "s.html", "--csv", "s.csv")
    assert done.exit_code == 0, done.output
    assert "camera: camera &lt;b&gt;gone&lt;/b&gt;" in (tmp_path / "s.html").read_text()


@pytest.mark.parametrize("image", ["../secret.png", "/etc/secret.png", "link.png", "none.png"])
def test_no_picture_from_outside_of_the_folder_is_shown(run, outbox, tmp_path, image):
    cv2.imwrite(str(tmp_path / "secret.png"), np.zeros((20, 20, 3), np.uint8))
    (tmp_path / "data" / "link.png").symlink_to(tmp_path / "secret.png")
    _put(outbox, _record(1, "anomalous", image=image))
    assert run(*HOURS, "-o", "s.html", "--csv", "s.csv").exit_code == 0
    assert "data:image" not in (tmp_path / "s.html").read_text()


def test_a_spreadsheet_runs_nothing(run, outbox, tmp_path):
    _put(outbox, _record(1, "undecided", detail="=cmd|' /C calc'!A0"))
    assert run(*HOURS, "-o", "s.html", "--csv", "s.csv").exit_code == 0
    with (tmp_path / "s.csv").open() as file:
        assert next(csv.DictReader(file))["detail"].startswith("'=")


@pytest.mark.parametrize("words", [["--from", "soon"], ["none.toml"], ["--csv", "line.toml"]])
def test_what_cannot_be_is_a_sentence(run, outbox, tmp_path, words):
    done = run(*words)
    assert isinstance(done.exception, SlsgError)
    assert (tmp_path / "line.toml").read_text() == LINE


def test_a_line_that_never_ran_has_no_report(run):
    assert "no verdicts" in str(run(*HOURS).exception)


def test_thousands_of_parts_of_a_week_stay_a_small_page(run, outbox, tmp_path):
    _put(outbox, *(_record(5 * n, "anomalous" if n % 9 == 0 else "good") for n in range(2000)))
    done = run("--from", "2026-11-30", "--to", "2026-12-07", "-o", "s.html", "--csv", "s.csv")
    assert done.exit_code == 0
    assert "The newest 60 of" in (tmp_path / "s.html").read_text()
    assert (tmp_path / "s.html").stat().st_size < 200_000


def test_the_page_opens_without_a_complaint_and_fits_a_phone(run, outbox, tmp_path, tab):
    between = _record(200, "undecided", score=0.45, threshold=0.5, reason="between_thresholds")
    _put(outbox, _record(1), _record(70, "anomalous"), between)
    assert run(*HOURS, "-o", "s.html", "--csv", "s.csv").exit_code == 0
    for width in (1280, 390):
        tab.look(width)
        tab.open(tmp_path / "s.html")
        assert tab.run("document.querySelectorAll('.reject').length") == 2
        assert tab.run("document.documentElement.scrollWidth") <= width
