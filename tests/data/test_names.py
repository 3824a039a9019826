"""Folders of good images under other names, in every layout."""

import unicodedata

import pytest

from slsg_edge.data.layouts import read_dataset
from slsg_edge.data.names import is_bad, is_good, is_masks, printable, split_of
from slsg_edge.errors import DatasetError

GOOD = [
    "good",
    "Good",
    "OK",
    "ok",
    "NORMAL",
    "i.O.",
    "Gut",
    "OK品",
    "良品",
    "正常",
    "bueno",
    "no_defect",
]


@pytest.mark.parametrize("good", GOOD)
def test_every_layout_knows_the_same_names_in_any_case(files, good):
    files.parts(f"mvtec/Train/{good}", 4)
    files.part(f"mvtec/Test/{good}/0.png", "mvtec/Test/hole/0.png", f"mvtec/Val/{good}/0.png")
    files.mask("mvtec/Ground_Truth/hole/0_mask.png")
    files.parts(f"sorted/{good}", 8)
    files.part("sorted/NG/0.png")
    files.parts(f"plain/{good}", 3)
    files.parts(f"visa/Data/Images/{good}", 3)
    files.part("visa/Data/Images/Anomaly/0.png")
    visa = read_dataset(files.folder / "visa")
    assert (visa.layout, visa.kinds, len(visa.samples)) == ("visa", ("anomaly",), 4)
    mvtec = read_dataset(files.folder / "mvtec")
    counts = [len(mvtec.of(split, good=True)) for split in ("train", "validation", "test")]
    assert counts == [4, 1, 1]
    assert [(one.kind, len(one.masks)) for one in mvtec.of("test", good=False)] == [("hole", 1)]
    parts = read_dataset(files.folder / "sorted")
    assert (sum(one.good for one in parts.samples), parts.kinds) == (8, ("NG",))
    assert len(read_dataset(files.folder / "plain").samples) == 3
    assert read_dataset(files.folder / "plain" / good).layout == "plain"


def test_a_name_is_the_same_in_both_forms_of_unicode_and_with_other_signs_between():
    assert is_bad(unicodedata.normalize("NFD", "Défaut")) == is_bad("Défaut")
    assert all(map(is_good, ("no-defect", "No Defects", "ok_parts")))
    assert all(map(is_bad, ("N.G.", "not ok", "不良品")))
    assert all(map(is_masks, ("Ground Truth", "GT", "masks")))
    assert not any(map(is_good, ("goods-in", "ng", "okapi")))
    assert not any(map(is_bad, ("crack", "good")))
    assert list(map(split_of, ("Training", "VAL", "testing"))) == ["train", "validation", "test"]
    assert split_of("contest") is None


def test_advice_for_a_training_folder_names_what_is_in_it_and_never_the_test(files):
    files.part("Train/gooood/0.png", "Test/good/0.png")
    with pytest.raises(DatasetError, match=r"Train has no folder 'good'.*has gooood.*Train/good\."):
        read_dataset(files.folder)


def test_defective_images_outside_of_the_test_are_there_to_be_seen(files):
    files.part("train/ok/0.png", "train/hole/0.png", "validation/ok/0.png", "validation/hole/1.png")
    dataset = read_dataset(files.folder)
    assert [(one.split, one.kind) for one in dataset.samples if not one.good] == [
        ("train", "hole"),
        ("validation", "hole"),
    ]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\nb", r"a\nb"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("st\udcfcck", r"st\udcfcck"),
        ("[red]", "[red]"),
        ("right\u202eleft", r"right\u202eleft"),
        ("良品 ü", "良品 ü"),
    ],
)
def test_a_name_is_printed_on_one_line_without_what_a_terminal_obeys(name, shown):
    assert printable(name) == shown
