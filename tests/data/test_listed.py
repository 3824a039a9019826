"""A data set as a list."""

import os

import pytest

from slsg_edge.data.layouts import read_dataset
from slsg_edge.errors import DatasetError

CSV = """image,split,label,kind,mask
a/0.png,train,good,,
a/1.png,,ok,,
a/2.png,val,normal,,
b/3.png,test,0,,
b/4.png,,bad,scratch,m/4a.png;m/4b.png
b\\5.png,test,1,,
b/6.png,test,,,
"""
JSON = """{"image": "a/0.png"}

{"image": "b/4.png", "label": "dent", "mask": ["m/4a.png", "m/4b.png"]}
{"image": "b/3.png", "label": "good", "split": "test", "mask": null}
"""


def write(folder, content, name="dataset.csv"):
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def seen(dataset, split):
    return [(one.image.name, one.kind, [m.name for m in one.masks]) for one in dataset.of(split)]


def test_a_csv_names_images_splits_kinds_and_masks(tmp_path):
    dataset = read_dataset(write(tmp_path, CSV).parent)
    assert dataset.layout == "list"
    assert [name for name, _, _ in seen(dataset, "train")] == ["0.png", "1.png"]
    assert [name for name, _, _ in seen(dataset, "validation")] == ["2.png"]
    assert seen(dataset, "test") == [
        ("3.png", "good", []),
        ("5.png", "defect", []),
        ("4.png", "scratch", ["4a.png", "4b.png"]),
    ]
    assert dataset.unlabelled == (tmp_path / "b/6.png",)


def test_json_lines_do_the_same_under_any_name(tmp_path):
    dataset = read_dataset(write(tmp_path, JSON, "mine.jsonl"))
    assert (dataset.layout, dataset.folder) == ("list", tmp_path)
    assert [name for name, _, _ in seen(dataset, "train")] == ["0.png"]
    assert seen(dataset, "test") == [
        ("3.png", "good", []),
        ("4.png", "dent", ["4a.png", "4b.png"]),
    ]


def test_a_list_goes_before_what_the_folder_looks_like(files):
    files.parts("train/good", 4)
    write(files.folder, "image\ntrain/good/002.png\n")
    assert [name for name, _, _ in seen(read_dataset(files.folder), "train")] == ["002.png"]


def test_a_byte_order_mark_and_names_that_are_not_utf_8_are_taken_as_they_are(tmp_path):
    path = write(tmp_path, b"\xef\xbb\xbfimage\nst\xfcck.png\n")
    (sample,) = read_dataset(path).samples
    assert os.fsencode(sample.image.name) == b"st\xfcck.png"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no column 'image'"),
        (b"path,label\na.png,good\n", "no column 'image'.*Give a header"),
        (b"image\n", "lists no image"),
        (b"image\n../a.png\n", r"line 2: \.\./a\.png lies outside"),
        (b"image\n/etc/a.png\n", "line 2: there is no file /etc/a.png"),
        (b"image,mask,label\na.png,b/../../m.png,x\n", "line 2: .*outside.*inside the folder"),
        (b"image,split\na.png,holdout\n", "line 2: the split is 'holdout'.*train, validation"),
        (b"image,label\n,good\n", "line 2: it names no image"),
        (b"image\na.png,b.png\n", "line 2: it has more fields than the header"),
        (b'image\n"a.png\n', "line 1: .*Save it as CSV again"),
        (b"image\na\0.png\n", "line 2: it has a NUL.*Save it as CSV again"),
    ],
)
def test_a_csv_that_makes_no_sense_is_an_error_that_names_the_line(tmp_path, content, message):
    with pytest.raises(DatasetError, match=message):
        read_dataset(write(tmp_path, content))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"image": "a.png"}\n{"image"', "line 2: it is no JSON"),
        ('["a.png"]\n', "line 1: it is no JSON object"),
        ('{"label": "good"}\n', "line 1: it names no image"),
        ('{"image": "../a.png"}\n', "line 1: .*outside"),
        ("\n", "lists no image"),
    ],
)
def test_json_lines_that_make_no_sense_are_an_error_that_names_the_line(tmp_path, content, message):
    with pytest.raises(DatasetError, match=message):
        read_dataset(write(tmp_path, content, "dataset.jsonl"))
