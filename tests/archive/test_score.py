"""An archive of folders and tar files: one row for each image, whatever fails."""

import io
import json
import multiprocessing
import tarfile

import numpy as np
import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from slsg_edge.archive import units, workers
from slsg_edge.archive.score import ScoreOptions, score_archive
from slsg_edge.cli import app
from slsg_edge.errors import DatasetError, StorageError
from slsg_edge.images import encode_image

GOOD, BAD = 60, 200  # grey levels below and above the toy model's threshold


def picture(level):
    """Of a level, with some contrast: a plain picture shows nothing."""
    image = np.full((32, 32, 3), level, np.uint8)
    image[::2, ::2] += 5
    return encode_image(image)


@pytest.fixture
def archive(tmp_path):
    """Six whole pictures in two folders and a tar file, and four that are none."""
    root = tmp_path / "archive"
    (root / "monday").mkdir(parents=True)
    (root / ".hidden").mkdir()
    (root / ".hidden" / "0.png").write_bytes(picture(GOOD))
    for name in ("0.png", "1.png", "10.png"):
        (root / "monday" / name).write_bytes(picture(GOOD))
    (root / "monday" / "bad.png").write_bytes(picture(BAD))
    (root / "monday" / "cut.png").write_bytes(picture(GOOD)[:-40])
    (root / "monday" / "empty.png").write_bytes(b"")
    (root / "monday" / "notes.txt").write_text("no image")
    with tarfile.open(root / "shard-000.tar", "w") as tar:
        for name, content in (
            ("a/0.png", picture(GOOD)),
            ("a/0.json", b"{}"),
            ("a/1.png", picture(BAD)),
            ("a/2.png", b"no picture"),
        ):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo("a/3.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    return root


def scored(bundle, archive, output, progress=lambda *_: None, **options):
    result = score_archive(bundle, str(archive), output, ScoreOptions(**options), progress)
    return result, pyarrow.parquet.read_table(output).to_pylist()


def named(rows):
    return {(row["file"], row["member"]): (row["verdict"], row["reason"]) for row in rows}


EXPECTED = {
    ("monday/0.png", ""): ("good", None),
    ("monday/1.png", ""): ("good", None),
    ("monday/10.png", ""): ("good", None),
    ("monday/bad.png", ""): ("anomalous", None),
    ("monday/cut.png", ""): ("undecided", "damaged_frame"),
    ("monday/empty.png", ""): ("undecided", "unreadable"),
    ("shard-000.tar", "a/0.png"): ("good", None),
    ("shard-000.tar", "a/1.png"): ("anomalous", None),
    ("shard-000.tar", "a/2.png"): ("undecided", "unreadable"),
    ("shard-000.tar", "a/3.png"): ("undecided", "unreadable"),
}


def test_every_image_has_one_row_and_a_reason_where_it_was_not_inspected(
    toy_bundle, archive, tmp_path
):
    result, rows = scored(toy_bundle, archive, tmp_path / "rows.parquet")
    assert named(rows) == EXPECTED
    assert len(rows) == result.images == 10
    assert result.counts["undecided"] == 4
    inspected = next(row for row in rows if row["file"] == "monday/bad.png")
    assert inspected["score"] > inspected["threshold"]
    assert 0 < inspected["map_mean"] <= inspected["map_peak"] <= 1
    assert 0 < inspected["peak_x"] < 1
    assert not (tmp_path / "rows.parquet.parts").exists()


def test_two_processes_give_the_same_rows_in_the_same_order(toy_bundle, archive, tmp_path):
    _, one = scored(toy_bundle, archive, tmp_path / "one.parquet")
    _, two = scored(toy_bundle, archive, tmp_path / "two.parquet", workers=2)
    assert one == two


def test_a_tar_that_ends_early_keeps_its_rows_and_says_so(toy_bundle, archive, tmp_path):
    shard = archive / "shard-000.tar"
    shard.write_bytes(shard.read_bytes()[:1300])
    _, rows = scored(toy_bundle, shard, tmp_path / "rows.parquet")
    assert named(rows) == {
        ("shard-000.tar", "a/0.png"): ("good", None),
        ("shard-000.tar", ""): ("undecided", "unreadable"),
    }


def test_a_run_that_was_stopped_goes_on_where_it_was(toy_bundle, archive, tmp_path, monkeypatch):
    monkeypatch.setattr(units, "_MOST", 2)
    output = tmp_path / "rows.parquet"

    def stop(done, counts):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scored(toy_bundle, archive, output, stop)
    assert not output.exists()
    result, rows = scored(toy_bundle, archive, output)
    assert result.reused >= 1
    assert named(rows) == EXPECTED


def test_what_changed_meanwhile_is_scored_again(toy_bundle, archive, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        scored(toy_bundle, archive / "monday", tmp_path / "rows.parquet", _stop)
    (archive / "monday" / "0.png").write_bytes(picture(BAD) + bytes(3))
    result, rows = scored(toy_bundle, archive / "monday", tmp_path / "rows.parquet")
    assert result.reused == 0
    assert named(rows)["0.png", ""] == ("anomalous", None)


def _stop(done, counts):
    raise KeyboardInterrupt


def kill_once():
    """A progress that kills every process when the first unit is done."""
    killed = []

    def progress(done, counts):
        if not killed:
            killed.extend(multiprocessing.active_children())
            for child in killed:
                child.kill()

    return progress


def test_a_process_that_is_killed_loses_no_row(toy_bundle, archive, tmp_path, monkeypatch):
    monkeypatch.setattr(units, "_MOST", 1)
    _, rows = scored(toy_bundle, archive, tmp_path / "rows.parquet", kill_once(), workers=2)
    assert named(rows) == EXPECTED


def test_images_that_kill_their_process_are_undecided(toy_bundle, archive, tmp_path, monkeypatch):
    monkeypatch.setattr(units, "_MOST", 1)
    monkeypatch.setattr(workers, "_TRIES", 0)
    _, rows = scored(toy_bundle, archive / "monday", tmp_path / "rows.parquet", kill_once())
    assert len(rows) == 6
    assert any("was killed" in (row["detail"] or "") for row in rows)


def test_two_commands_on_one_output_are_refused(toy_bundle, archive, tmp_path):
    output = tmp_path / "rows.parquet"

    def again(done, counts):
        scored(toy_bundle, archive, output)

    with pytest.raises(StorageError, match="scores into"):
        scored(toy_bundle, archive, output, again)


@pytest.mark.parametrize("address", ["nowhere", "s3x://bucket", "empty"])
def test_no_archive_says_so(toy_bundle, tmp_path, monkeypatch, address):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError):
        scored(toy_bundle, address, tmp_path / "rows.parquet")
    assert not (tmp_path / "rows.parquet").exists()


def test_the_command_says_counts_first(toy_bundle, archive, tmp_path):
    output = tmp_path / "rows.parquet"
    words = ["score", toy_bundle, archive, "-o", output, "--workers", 1]
    done = CliRunner().invoke(app, [*map(str, words)])
    assert done.stdout.startswith("10 images: 4 good, 2 anomalous, 4 undecided\n")
    assert "3 unreadable" in done.stdout
    table = CliRunner().invoke(app, [*map(str, words), "--json"])
    assert json.loads(table.stdout)["counts"]["good"] == 4
