"""What a survey says about the acquisitions of good images."""

import os
from datetime import date, datetime

from slsg_edge.data.layouts import read_dataset
from slsg_edge.data.survey.survey import survey

DAY = datetime(2026, 11, 2, 6, 20).timestamp()


def look(files):
    return survey(read_dataset(files.folder))


def found_in(files):
    return {one.name: one for one in look(files).findings}


def test_acquisitions_of_good_images_are_counted_with_the_days_of_their_files(files):
    files.parts("train/good", 24)
    files.parts("test/good", 6)
    for path in (files.folder / "train/good").glob("01*"):
        os.utime(path, (DAY, DAY))
    first, second, third = look(files).acquisitions
    assert (second.name, second.images, second.days) == ("2026-11-02 06h", 10, "2026-11-02")
    assert (first.images, third.name, third.images) == (14, "", 6)
    early = files.folder / "test/good/000.png"
    os.utime(early, (DAY, DAY))
    os.utime(files.folder / "test/good/001.png", (DAY + 3600, DAY + 3600))
    days = {one.name: one for one in look(files).acquisitions}
    assert days["2026-11-02 06h"].images == 12
    assert days["2026-11-02 06h"].last == date(2026, 11, 2)


def test_good_images_of_one_session_are_a_note(files):
    files.parts("train/good", 24)
    files.parts("validation/good", 8)
    files.part("test/good/monday/0.png", "test/good/tuesday/1.png", "test/hole/2.png")
    found = found_in(files)["one-acquisition"]
    assert (found.severity, found.examples) == ("note", ())
    assert "train/good/monday" in found.fix
    (files.folder / "validation/good/monday").mkdir()
    (files.folder / "validation/good/000.png").rename(files.folder / "validation/good/monday/0.png")
    assert "one-acquisition" not in found_in(files)


def test_nothing_is_said_of_sessions_where_nothing_is_learned_from(files):
    files.parts("test/good", 4)
    files.parts("test/hole", 4)
    assert "one-acquisition" not in found_in(files)
