import os
from datetime import datetime, timedelta

import pytest

from slsg_edge.contracts import Sample
from slsg_edge.data.acquisitions import acquisitions_of
from slsg_edge.data.layouts import read_dataset

START = datetime(2026, 11, 28, 6, 20)


def taken(path, *hours):
    """The files of a folder, as if they had been taken so many hours after START."""
    for image, after in zip(sorted(path.iterdir()), hours, strict=True):
        moment = (START + timedelta(hours=after)).timestamp()
        os.utime(image, (moment, moment))


def named(dataset):
    return [one.acquisition for one in dataset.samples]


def test_pauses_between_the_times_of_files_part_acquisitions(files):
    files.parts("train/good", 6)
    files.parts("test/good", 1)
    taken(files.folder / "train/good", 0, 1, 5, 26, 27, 50)
    assert named(read_dataset(files.folder)) == [
        *["2026-11-28 06h"] * 3,
        *["2026-11-29 08h"] * 2,
        "2026-11-30 08h",
        "",
    ]


@pytest.mark.parametrize(
    "hours",
    [(0, 0, 0, 0), (0, 1, 10, 20), (0, 9, 18, 26), (0, 1, 2, 24)],
    ids=["unpacked", "pause within a day", "three pauses", "a day exactly"],
)
def test_what_is_of_one_day_or_of_one_moment_has_no_name(files, hours):
    files.parts("train/good", 4)
    taken(files.folder / "train/good", *hours)
    names = set(named(read_dataset(files.folder)))
    assert names == {""} if hours != (0, 9, 18, 26) else len(names) == 4


def test_a_day_and_more_without_a_pause_is_one_acquisition(files):
    files.parts("train/good", 8)
    taken(files.folder / "train/good", *range(0, 40, 5))
    assert set(named(read_dataset(files.folder))) == {""}


def test_each_folder_is_looked_at_by_itself_and_what_is_gone_has_no_name(files):
    files.parts("a", 2)
    files.parts("b", 2)
    taken(files.folder / "a", 0, 0)
    taken(files.folder / "b", 72, 72)
    paths = [*(files.folder / "a").iterdir(), *(files.folder / "b").iterdir(), files.folder / "x"]
    samples = [Sample(path, "train") for path in paths]
    assert acquisitions_of(samples) == tuple(samples)


def test_a_name_that_is_given_stays_and_the_same_is_found_twice(files):
    files.parts("a", 3)
    taken(files.folder / "a", 0, 1, 30)
    paths = sorted((files.folder / "a").iterdir())
    samples = [Sample(paths[0], "train", acquisition="lot 7"), Sample(paths[1], "train")]
    found = acquisitions_of([*samples, Sample(paths[2], "train")])
    assert [one.acquisition for one in found] == ["lot 7", "2026-11-28 07h", "2026-11-29 12h"]
    assert acquisitions_of(found) == found


@pytest.mark.parametrize(
    ("layout", "good"),
    [("mvtec", "train/good"), ("btad", "train/ok"), ("folders", "ok"), ("plain", "good")],
)
def test_a_folder_among_the_good_images_is_an_acquisition(files, layout, good):
    files.part(f"{good}/0.png", f"{good}/monday/1.png", f"{good}/tuesday/2.png")
    files.part(f"{good}/tuesday/deeper/3.png", f"{good}/.hidden/4.png")
    if layout == "folders":
        files.part("bad/5.png")
    if layout == "plain":
        files.part("6.png")
    (files.folder / good / "tuesday/again").symlink_to(files.folder / good)
    (files.folder / good / "round").symlink_to(files.folder / good)
    dataset = read_dataset(files.folder)
    assert dataset.layout == layout
    found = {one.image.name: one.acquisition for one in dataset.samples if one.good}
    days = {"0.png": "", "1.png": "monday", "2.png": "tuesday", "3.png": "tuesday/deeper"}
    assert days.items() <= found.items()
    assert len(found) == len([one for one in dataset.samples if one.good]) <= 5


def test_a_folder_that_is_called_good_may_be_given_by_itself(files):
    files.part("train/good/monday/0.png", "train/good/tuesday/1.png")
    dataset = read_dataset(files.folder / "train/good")
    assert [one.acquisition for one in dataset.samples] == ["monday", "tuesday"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("dataset.csv", "image,acquisition\na/0.png, lot 7\na/1.png,\n"),
        ("dataset.jsonl", '{"image": "a/0.png", "acquisition": "lot 7"}\n{"image": "a/1.png"}\n'),
    ],
)
def test_a_list_has_a_column_for_it(files, name, content):
    files.parts("a", 2)
    (files.folder / name).write_text(content)
    assert named(read_dataset(files.folder)) == ["lot 7", ""]
