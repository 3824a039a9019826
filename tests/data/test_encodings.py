"""Lists as spreadsheets save them."""

import pytest

from slsg_edge.data.layouts import read_dataset
from slsg_edge.errors import DatasetError

ROWS = "image,label\na.png,0\nü.png,crack\n"


def read(folder, content, name="list.csv"):
    path = folder / name
    path.write_bytes(content)
    return [(one.image.name, one.kind) for one in read_dataset(path).samples]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
@pytest.mark.parametrize("start", ["", "sep={}\r\n", '"sep={}"\n'])
def test_separators_and_encodings_show_by_themselves(tmp_path, encoding, sign, start):
    text = start.format(sign) + ROWS.replace(",", sign)
    assert read(tmp_path, text.encode(encoding)) == [("a.png", "good"), ("ü.png", "crack")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32"])
def test_json_lines_may_be_in_utf_16_too(tmp_path, encoding):
    assert read(tmp_path, '{"image": "ü.png"}\n'.encode(encoding), "l.jsonl") == [("ü.png", "good")]


def test_quoted_headers_and_masks_between_semicolons_are_read(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text('"image";"label";"mask"\n"a;b.png";1;"x.png;y.png"\n')
    (sample,) = read_dataset(path).samples
    assert (sample.image.name, len(sample.masks)) == ("a;b.png", 2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"image:label\na.png:0\n", "no column 'image', only 'image:label'"),
        (b"\xff\xfei\0m\0a", "looks like UTF-16 and is none.*Save it as UTF-8"),
        (b"image;label\na;b.png;0\n", "line 2: it has more fields.*with a semicolon in quotes"),
        (b"sep=;\nimage;split\na.png;x\n", "line 3: the split is 'x'"),
    ],
)
def test_what_is_not_certain_is_named(tmp_path, content, message):
    with pytest.raises(DatasetError, match=message):
        read(tmp_path, content)
