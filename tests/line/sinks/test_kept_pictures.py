"""Which pictures are kept, for how long, and what happens where they cannot be."""

import os
import shutil
import threading
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from awaited import DEADLINE, until
from records_made import record

from slsg_edge.contracts import Frame, Prediction
from slsg_edge.line.records import Inspection
from slsg_edge.line.settings.line import KeepSettings
from slsg_edge.line.sinks import kept_pictures
from slsg_edge.line.sinks.kept_pictures import KeptPictures
from slsg_edge.line.sinks.picture_store import PictureStore
from slsg_edge.preprocessing import Preprocessing

SPEC = Preprocessing(8, 8)
PICTURE = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def made(tmp_path, warnings):
    """Makes one in tmp_path with these settings; all are closed at the end."""
    all_made = []

    def make(**settings) -> KeptPictures:
        settings = {"free_gigabytes": 0.0, **settings}
        all_made.append(KeptPictures(tmp_path, KeepSettings(**settings), warnings.append))
        return all_made[-1]

    yield make
    for one in all_made:
        one.close()


def keep(kept: KeptPictures, verdict: str = "anomalous", spec: Preprocessing | None = SPEC) -> str:
    """The path, empty where it is not kept."""
    one = record(verdict=verdict)
    path = kept.path_for(one, True)
    prediction = Prediction(np.ones((8, 8), np.float32), 0.9)
    seen = Inspection(replace(one, image=path), Frame(1, "camera", 0, 0, PICTURE), prediction)
    if path:
        kept.keep(seen, spec)
    return path or ""


def test_a_reject_is_kept_lossless_with_its_heat_beside_it(made, tmp_path):
    kept = made()
    path = keep(kept)
    kept.close()
    folder, name = path.rsplit("/", 1)
    assert folder == "pictures/2026-11-30/left"
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / path)), PICTURE)
    heat = tmp_path / folder / name.replace(".png", "_heat.jpg")
    assert cv2.imread(str(heat)).shape == PICTURE.shape
    assert kept.bytes == (tmp_path / path).stat().st_size + heat.stat().st_size


def test_an_undecided_part_has_no_heat(made, tmp_path):
    kept = made()
    assert keep(kept, "undecided")
    kept.close()
    assert len(list(tmp_path.rglob("*.*g"))) == 1


def test_rejects_or_a_share_of_goods_as_asked(made):
    kept = made(rejects=False, good_share=0.25)
    assert kept.path_for(record(verdict="anomalous"), True) is None
    share = sum(bool(kept.path_for(record(), True)) for _ in range(2000)) / 2000
    assert 0.18 < share < 0.32
    assert made().path_for(record(), True) is None
    assert made(good_share=1.0).path_for(record(), False) is None  # there is no picture


def test_the_oldest_go_when_the_budget_is_used_up(made, tmp_path, monkeypatch):
    kept = made()
    first = keep(kept, spec=None)
    kept.close()
    size = (tmp_path / first).stat().st_size
    own = tmp_path / "pictures" / "2026-11-30" / "left" / "notes.txt"
    own.write_text("x" * 10 * size)
    again = made(gigabytes=3.5 * size / 1e9)
    monkeypatch.setattr(time, "time", lambda: 0.0)  # the clock jumps back: the order stays
    paths = [first]
    for _ in range(4):
        paths.append(keep(again, spec=None))
        assert until(lambda: (tmp_path / paths[-1]).exists())
    again.close()
    assert [(tmp_path / path).exists() for path in paths] == [False, False, True, True, True]
    assert again.bytes == 3 * size
    assert own.exists()  # what is not ours stays


def test_what_is_older_than_so_many_days_goes_with_its_folder(made, tmp_path):
    kept = made()
    old, new = keep(kept), keep(kept)
    kept.close()
    elder = tmp_path / old.replace("2026-11-30", "2026-08-01")
    elder.parent.mkdir(parents=True)
    (tmp_path / old).rename(elder)
    os.utime(elder, (time.time() - 91 * 86400,) * 2)
    again = made(days=90.0)
    assert until(lambda: not elder.exists())
    again.close()
    assert not elder.parent.parent.exists()
    assert (tmp_path / new).exists()


def test_with_little_room_no_picture_is_kept_until_there_is_more(
    made, warnings, tmp_path, monkeypatch
):
    free = [0.3e9]
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=int(free[0])))
    monkeypatch.setattr(kept_pictures, "_TICK", 0.05)
    kept = made(free_gigabytes=0.5)
    assert keep(kept) == ""
    assert "has 0.3 GB left, less than 0.5" in kept.trouble
    free[0] = 0.6e9
    assert until(lambda: kept.trouble is None)
    path = keep(kept)
    assert until(lambda: (tmp_path / path).exists())
    assert [text.partition(":")[0] for text in warnings] == ["warning", "note"]


def test_a_picture_that_cannot_be_written_is_told_and_others_are_tried_later(
    made, warnings, tmp_path, monkeypatch
):
    monkeypatch.setattr(kept_pictures, "_AGAIN", 0.1)
    (tmp_path / "pictures").write_text("a file is in the way")
    kept = made()
    assert keep(kept)
    assert until(lambda: kept.trouble)
    assert "Cannot write" in warnings[0]
    (tmp_path / "pictures").unlink()
    assert until(lambda: keep(kept))
    assert until(lambda: kept.trouble is None)
    assert len(warnings) == 2


def test_when_it_cannot_follow_rejects_and_the_newest_stay(made, tmp_path, monkeypatch):
    go, begun, write = threading.Event(), threading.Event(), PictureStore.write

    def slow(store, path: Path, content: bytes) -> None:
        begun.set()
        go.wait(DEADLINE)
        write(store, path, content)

    monkeypatch.setattr(PictureStore, "write", slow)
    kept = made(good_share=1.0)
    first = keep(kept, spec=None)
    assert begun.wait(DEADLINE)
    rejects = [keep(kept, spec=None) for _ in range(10)]
    goods = [keep(kept, "good") for _ in range(10)]
    assert kept.dropped == 4
    go.set()
    kept.close()
    there = [path for path in [first, *rejects, *goods] if (tmp_path / path).exists()]
    assert there == [first, *rejects, *goods[4:]]


def test_a_picture_that_no_format_takes_does_not_end_the_others(made, tmp_path):
    kept = made()
    wide = np.zeros((1, 70_000, 3), np.uint8)  # more than a JPEG holds
    one = record(verdict="anomalous")
    path = kept.path_for(one, True)
    prediction = Prediction(np.ones((8, 8), np.float32), 0.9)
    frame = Frame(1, "camera", 0, 0, wide)
    kept.keep(Inspection(replace(one, image=path), frame, prediction), SPEC)
    other = keep(kept)
    assert until(lambda: (tmp_path / other).exists())
    assert (tmp_path / path).exists()
