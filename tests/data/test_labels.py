"""Labels by what they mean, whatever program wrote the list."""

import pytest

from slsg_edge.data.layouts import read_dataset
from slsg_edge.data.readers.labels import kind_of_label
from slsg_edge.errors import DatasetError


@pytest.mark.parametrize(
    ("kind", "labels"),
    [
        ("good", ["0", "0.0", "-0", "0,0", "0e3", "False", "FALSE", "good", "Ok", "i.O.", "良品"]),
        ("defect", ["1", "1.0", "1,0", "-1", "True", "true"]),
        (None, ["", " ", "NaN", "nan", "null", "None", "N/A", "<NA>"]),
        ("2", ["2", "2.0"]),
        ("scratch", ["scratch"]),
        ("inf", ["inf"]),
    ],
)
def test_a_label_counts_by_its_meaning(kind, labels):
    assert [kind_of_label(label) for label in labels] == [kind] * len(labels)


def read(folder, name, content):
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return read_dataset(path)


@pytest.mark.parametrize(
    ("good", "bad", "nothing"),
    [("0.0", "1.0", "NaN"), ("False", "True", ""), ("false", "true", "null"), ('"0"', '"1"', '""')],
)
def test_both_kinds_of_list_say_the_same(tmp_path, good, bad, nothing):
    rows = {"a": good, "b": bad, "c": nothing}
    table = read(tmp_path, "a.csv", "image,label\n" + "".join(f"{n}.png,{rows[n]}\n" for n in rows))
    words = {**rows, "a": good.lower(), "b": bad.lower(), "c": nothing or "null"}
    lines = "".join(f'{{"image": "{n}.png", "label": {words[n]}}}\n' for n in words)
    for dataset in (table, read(tmp_path, "b.jsonl", lines)):
        assert [(one.image.name, one.kind) for one in dataset.samples] == [
            ("a.png", "good"),
            ("b.png", "defect"),
        ]
        assert [path.name for path in dataset.unlabelled] == ["c.png"]


@pytest.mark.parametrize("labels", [["part"] * 3, ["negative", "positive"], ["2", "3"]])
def test_labels_that_nobody_knows_are_an_error_that_shows_them(tmp_path, labels):
    rows = "".join(f"{index}.png,{label}\n" for index, label in enumerate(labels))
    with pytest.raises(DatasetError, match=rf"no label that is known.*'{labels[0]}'.*good.*or 0"):
        read(tmp_path, "a.csv", f"image,label\n{rows}")


@pytest.mark.parametrize("rows", ["a.png,bad,\n", "a.png,1,\n", "a.png,x,crack\n", "a.png,,\n"])
def test_a_list_of_defects_alone_says_so_with_a_word_a_number_or_a_kind(tmp_path, rows):
    dataset = read(tmp_path, "a.csv", f"image,label,kind\n{rows}b.png,NG,\n")
    assert not any(one.good for one in dataset.samples)


def test_a_list_with_kinds_alone_has_its_labels_in_them(tmp_path):
    dataset = read(tmp_path, "a.csv", "image,kind\na.png,good\nb.png,crack\n")
    assert [one.kind for one in dataset.samples] == ["good", "crack"]


def test_what_stands_for_nothing_is_nothing_in_every_column(tmp_path):
    dataset = read(
        tmp_path,
        "a.csv",
        "image,label,kind,split,mask,acquisition\na.png,1,NaN,nan,NaN,null\nb.png,0,,,,\n",
    )
    (sample,) = dataset.of("test")
    assert (sample.kind, sample.masks, sample.acquisition) == ("defect", (), "")
