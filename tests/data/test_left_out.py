"""Every image of a folder is read, in the order in which people count, or there is a word on it."""

import os
import shutil

import cv2
import pytest

from slsg_edge.data.layouts import read_as_it_is, read_dataset
from slsg_edge.data.left_out import NO_FILE, NOWHERE, UPWARDS, by_reason, lines_of
from slsg_edge.data.listing import list_images
from slsg_edge.data.survey.survey import survey
from slsg_edge.errors import DatasetError
from slsg_edge.images import SUFFIXES, read_image


def names(paths):
    return [path.name for path in paths]


def test_every_ending_that_is_known_is_decoded_here_in_any_case(files):
    files.part("0.png")
    picture = read_image(files.folder / "0.png")
    for ending in SUFFIXES:
        grey = ending in (".pgm", ".pbm")
        encoded = cv2.imencode(
            ".jpg" if ending == ".jfif" else ending, picture[..., 0] if grey else picture
        )
        (files.folder / f"a{ending.upper()}").write_bytes(encoded[1].tobytes())
    found = list_images(files.folder).images
    assert len(found) == len(SUFFIXES) + 1
    assert {read_image(path).shape for path in found} == {picture.shape}


def test_images_come_as_people_count(files):
    files.part(*(f"d{n}/img{n}.png" for n in (1, 2, 10, 9)), "img10.png", "img2.png", "img01.png")
    assert names(list_images(files.folder).images) == [
        "img1.png", "img2.png", "img9.png", "img10.png", "img01.png", "img2.png", "img10.png",
    ]  # fmt: skip
    assert names(one.image for one in read_dataset(files.folder).samples) == [
        "img01.png", "img2.png", "img10.png",
    ]  # fmt: skip


def test_links_are_followed_and_no_image_comes_twice(files):
    files.part("S/0.png", "S/day/1.png", "other/2.png", "other/deep/3.png")
    (files.folder / "S/linked").symlink_to("../other")
    (files.folder / "S/again").symlink_to("day")
    (files.folder / "S/self").symlink_to("self")
    (files.folder / "S/up").symlink_to("..")
    (files.folder / "other/back").symlink_to("../S")
    found = list_images(files.folder / "S")
    assert sorted(names(found.images)) == ["0.png", "1.png", "2.png", "3.png"]
    assert UPWARDS in by_reason(found.left_out)


def test_litter_of_systems_is_neither_read_nor_mentioned(files):
    files.parts("good", 3)
    files.part("__MACOSX/good/0.png", ".hidden/0.png", "@eaDir/0.png")
    for name in (
        "Thumbs.db",
        "desktop.ini",
        ".DS_Store",
        "._000.png",
        "good/._000.jpg",
        "notes.txt",
    ):
        (files.folder / name).write_bytes(b"x")
    dataset = read_dataset(files.folder)
    assert (len(dataset.samples), dataset.left_out) == (3, ())


def test_what_is_left_out_is_counted_by_its_reason(files):
    files.parts("good", 3)
    for name in ("a.heic", "b.HEIC", "good/c.gif", "good.zip", "film.mp4"):
        (files.folder / name).write_bytes(b"x")
    shutil.copy(files.folder / "good/000.png", files.folder / "IMG_0001")
    (files.folder / "good/gone.png").symlink_to("nowhere.png")
    os.mkfifo(files.folder / "good/pipe.png")
    files.part("elsewhere/0.png")
    dataset = read_dataset(files.folder / "good")
    assert set(by_reason(dataset.left_out)) >= {NOWHERE, NO_FILE}
    dataset = read_dataset(files.folder)
    lines = "\n".join(dataset.notes)
    for part in ("2 files called .heic", "1 file called .gif", "an archive", "a film", "no ending"):
        assert part in lines
    assert dataset.kinds == ("elsewhere",)


def test_images_in_places_that_a_layout_does_not_know_are_a_warning(files):
    files.part("0.png", "monday/1.png", "monday/2.png")
    dataset = read_dataset(files.folder)
    assert names(one.path for one in dataset.left_out) == ["1.png", "2.png"]
    (found,) = [one for one in survey(dataset).findings if one.name == "left-out"]
    assert (found.severity, found.count) == ("warning", 2)
    assert found.examples[0] == "monday/1.png"


def test_dated_folders_below_good_and_below_a_kind_are_read(files):
    files.part("good/2026/05/01/0.png", "good/2026/05/02/1.png", "NG/crack/2026/05/2.png")
    dataset = read_dataset(files.folder)
    assert {one.acquisition for one in dataset.samples if one.good} == {"2026/05/01", "2026/05/02"}
    assert dataset.kinds == ("crack",)


def test_nothing_but_files_of_another_kind_is_an_error_that_names_them(files):
    files.folder.mkdir()
    (files.folder / "a.heic").write_bytes(b"x")
    with pytest.raises(DatasetError, match=r"holds no image\. It has 1 file called \.heic"):
        read_dataset(files.folder)


@pytest.mark.parametrize(
    "name",
    ["-rf.png", "[red].png", "a\nb.png", "\x1b[31m.png", os.fsdecode(b"st\xfcck.png"), "ü.png",
     "a" * 251 + ".png", " .png", "#1;2.png", "'\".png"],
)  # fmt: skip
def test_any_name_is_read_and_printed_on_one_line(files, name):
    files.parts("good", 4)
    (files.folder / "good/000.png").rename(files.folder / "good" / name)
    (files.folder / "good" / name).with_suffix(".gif").write_bytes(b"x")
    dataset = read_as_it_is(files.folder)
    assert len(dataset.samples) == 4
    (line,) = lines_of(dataset.left_out)
    assert line.isprintable()
    texts = [text for one in survey(dataset).findings for text in one.examples]
    assert all(text.isprintable() for text in texts)
