"""What a list may name: files in its folder, and by an absolute path any other."""

from pathlib import Path

import pytest

from slsg_edge.data.layouts import read_dataset
from slsg_edge.errors import DatasetError


@pytest.fixture
def folder(files, monkeypatch):
    files.part("L/good/0.png", "elsewhere/1.png")
    monkeypatch.chdir(files.folder)
    Path("L/out.png").symlink_to("../elsewhere/1.png")
    Path("L/day").symlink_to("../elsewhere")
    Path("L/in.png").symlink_to("good/0.png")
    Path("again").symlink_to("L")
    return files.folder


def read(name, place="L"):
    Path("L/dataset.csv").write_text(f"image\n{name}\n")
    return read_dataset(Path(place))


@pytest.mark.parametrize("place", ["L", "again", "L/dataset.csv", "./elsewhere/../L"])
@pytest.mark.parametrize(
    "name",
    ["good/0.png", "good/../good/0.png", "in.png", "{}/L/good/0.png", "{}/again/good/0.png",
     "{}/elsewhere/1.png"],
)  # fmt: skip
def test_a_list_names_files_in_its_folder_and_absolute_ones(folder, place, name):
    (sample,) = read(name.format(folder), place).samples
    assert sample.image.is_file()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../elsewhere/1.png", r"line 2: \.\./elsewhere/1\.png lies outside L.*or absolute ones"),
        ("out.png", r"line 2: out\.png is a link.*leads out of .*L, to .*elsewhere/1\.png"),
        ("day/1.png", r"day/1\.png is a link, or lies behind one"),
        ("{}/L/out.png", r"L/out\.png is a link"),
        ("{}/nowhere/1.png", r"line 2: there is no file .*nowhere/1\.png"),
        (r"C:\parts\1.png", "a path of Windows, which leads nowhere here"),
        (r"\\server\parts\1.png", "a path of Windows"),
        ("../a\x1b[31m.png", r"\.\./a\\x1b\[31m\.png lies outside"),
    ],
)
def test_any_other_path_is_an_error_that_names_the_line(folder, name, message):
    with pytest.raises(DatasetError, match=message):
        read(name.format(folder))


def test_a_mask_is_held_to_the_same_rule(folder):
    Path("L/dataset.csv").write_text("image,label,mask\ngood/0.png,1,out.png\n")
    with pytest.raises(DatasetError, match=r"line 2: out\.png is a link"):
        read_dataset(Path("L"))
