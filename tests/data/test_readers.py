"""Layouts of public data sets, as their archives unpack."""

import shutil

import pytest

from slsg_edge.data.layouts import read_dataset
from slsg_edge.errors import DatasetError


def seen(dataset, split):
    """Kind, name and number of masks of each image of a split."""
    return [(one.kind, one.image.name, len(one.masks)) for one in dataset.of(split)]


def test_mvtec_ad_2_has_its_masks_in_the_test_and_private_images_without_labels(files):
    files.part("train/good/000_regular.png", "validation/good/000_regular.png")
    files.part("test_public/good/000_shift_1.png", "test_public/bad/000_regular.png")
    files.mask("test_public/ground_truth/bad/000_regular_mask.png")
    files.part("test_private/000_regular.png", "test_private_mixed/000_mixed.png")
    dataset = read_dataset(files.folder)
    assert dataset.layout == "mvtec-ad-2"
    assert seen(dataset, "test") == [("bad", "000_regular.png", 1), ("good", "000_shift_1.png", 0)]
    assert len(dataset.of("train")) == len(dataset.of("validation")) == 1
    assert [path.name for path in dataset.unlabelled] == ["000_regular.png", "000_mixed.png"]
    assert dataset.stray_masks == ()


def test_mvtec_ad_2_with_masks_beside_the_test(files):
    files.part("train/good/0.png", "test_public/bad/0.png")
    files.mask("ground_truth/bad/0_mask.png")
    assert seen(read_dataset(files.folder), "test") == [("bad", "0.png", 1)]


def test_loco_may_be_reorganised(files):
    files.part("train/good/0.png", "validation/good/0.png", "test/logical_anomalies/000.png")
    files.mask("ground_truth/logical_anomalies/000_mask.png")
    dataset = read_dataset(files.folder)
    assert dataset.layout == "loco"
    assert seen(dataset, "test") == [("logical_anomalies", "000.png", 1)]


def test_btad_calls_good_ok_and_has_masks_of_any_format(files):
    files.part("train/ok/0000.bmp", "test/ok/0000.bmp", "test/ko/0000.bmp", "test/ko/0001.bmp")
    files.mask("ground_truth/ko/0000.png", "ground_truth/ko/0001.bmp")
    dataset = read_dataset(files.folder)
    assert dataset.layout == "btad"
    assert [sample.kind for sample in dataset.of("train")] == ["good"]
    assert seen(dataset, "test") == [
        ("ko", "0000.bmp", 1),
        ("ko", "0001.bmp", 1),
        ("good", "0000.bmp", 0),
    ]


@pytest.fixture
def visa(files):
    normal, anomaly = "Data/Images/Normal", "Data/Images/Anomaly"
    files.part(*(f"candle/{normal}/{index:04}.JPG" for index in range(3)))
    files.part(f"candle/{anomaly}/000.JPG")
    files.mask("candle/Data/Masks/Anomaly/000.png", value=1)
    (files.folder / "split_csv").mkdir()
    (files.folder / "split_csv/1cls.csv").write_text(
        "object,split,label,image,mask\n"
        f"candle,train,normal,candle/{normal}/0000.JPG,\n"
        f"candle,train,normal,candle/{normal}/0002.JPG,\n"
        f"candle,test,normal,candle/{normal}/0001.JPG,\n"
        f"candle,test,anomaly,candle/{anomaly}/000.JPG,candle/Data/Masks/Anomaly/000.png\n"
        "pcb1,train,normal,pcb1/Data/Images/Normal/0000.JPG,\n"
    )
    return files


def test_visa_has_its_split_in_a_table_beside_the_object(visa):
    dataset = read_dataset(visa.folder / "candle")
    assert dataset.layout == "visa"
    assert [sample.image.name for sample in dataset.of("train")] == ["0000.JPG", "0002.JPG"]
    assert seen(dataset, "test") == [("good", "0001.JPG", 0), ("anomaly", "000.JPG", 1)]
    assert dataset.stray_masks == ()
    assert read_dataset(visa.folder).samples == dataset.samples  # the only object that is there


def test_visa_with_several_objects_asks_for_one(visa):
    visa.part("pcb1/Data/Images/Normal/0000.JPG")
    with pytest.raises(DatasetError, match=r"candle, pcb1\. Give the folder of one"):
        read_dataset(visa.folder)


def test_visa_without_its_table_is_split_by_content(visa):
    shutil.rmtree(visa.folder / "split_csv")
    dataset = read_dataset(visa.folder / "candle")
    assert len(dataset.of("train")) + len(dataset.of("test", good=True)) == 3
    assert seen(dataset, "test")[-1] == ("anomaly", "000.JPG", 1)


def test_visa_as_its_authors_convert_it_is_of_the_mvtec_form(files):
    files.part("train/good/0000.JPG", "test/good/0001.JPG", "test/bad/000.JPG")
    files.mask("ground_truth/bad/000.png")
    dataset = read_dataset(files.folder)
    assert dataset.layout == "mvtec"
    assert seen(dataset, "test")[0] == ("bad", "000.JPG", 1)


def test_kolektor_2_has_a_mask_beside_each_image_that_says_whether_it_is_good(files):
    files.part("train/10000.png", "train/10001.png", "test/20000.png", "test/20001.png")
    files.mask("train/10000_GT.png", "test/20000_GT.png", value=0)
    files.mask("train/10001_GT.png", "test/20001_GT.png", "test/20002_GT.png")
    files.part("test/20003.png")
    dataset = read_dataset(files.folder)
    assert dataset.layout == "kolektor"
    assert seen(dataset, "train") == [("good", "10000.png", 0), ("defect", "10001.png", 1)]
    assert seen(dataset, "test") == [("good", "20000.png", 0), ("defect", "20001.png", 1)]
    assert [path.name for path in dataset.stray_masks] == ["20002_GT.png"]
    assert [path.name for path in dataset.unlabelled] == ["20003.png"]


def test_kolektor_1_keeps_the_good_images_of_an_item_on_one_side(files):
    for item in range(1, 31):
        files.part(*(f"kos{item:02}/Part{part}.jpg" for part in range(3)))
        files.mask(*(f"kos{item:02}/Part{part}_label.bmp" for part in range(2)), value=0)
        files.mask(f"kos{item:02}/Part2_label.bmp")
    dataset = read_dataset(files.folder)
    train, test = (
        {one.image.parent for one in dataset.of(s, good=True)} for s in ("train", "test")
    )
    assert not train & test
    assert len(train) + len(test) == 30
    assert len(train) > len(test) > 0
    assert len(dataset.of("test", good=False)) == 30


def test_a_kolektor_mask_that_cannot_be_read_makes_no_good_image(files):
    files.part("train/10000.png", "train/10001.png")
    files.mask("train/10000_GT.png", value=0)
    (files.folder / "train/10001_GT.png").write_bytes(b"")
    assert [one.kind for one in read_dataset(files.folder).of("train")] == ["good", "defect"]


@pytest.mark.parametrize("name", ["good", "OK", "normal"])
def test_sorted_folders_have_their_kinds_beside_the_good_one(files, name):
    files.parts(name, 60)
    files.part("bad/0.png", "bad/scratch/1.png", "dent/2.png")
    files.mask("ground_truth/dent/2_mask.png")
    dataset = read_dataset(files.folder)
    assert dataset.layout == "folders"
    assert seen(dataset, "test")[-3:] == [
        ("bad", "0.png", 0),
        ("scratch", "1.png", 0),
        ("dent", "2.png", 1),
    ]
    train, test = dataset.of("train"), dataset.of("test", good=True)
    assert len(train) + len(test) == 60
    assert 4 <= len(test) <= 25


def test_a_copy_of_a_good_image_is_on_the_same_side_of_sorted_folders(files):
    files.parts("good", 40)
    files.part("bad/0.png")
    for path in sorted((files.folder / "good").iterdir()):
        shutil.copy(path, path.with_name(f"copy_{path.name}"))
    samples = read_dataset(files.folder).samples
    split = {one.image.name: one.split for one in samples if one.good}
    assert all(split[name] == split[f"copy_{name}"] for name in split if name[0] != "c")


def test_a_folder_good_alone_is_plain(files):
    files.parts("good", 5)
    dataset = read_dataset(files.folder)
    assert dataset.layout == "plain"
    assert len(dataset.of("train", good=True)) == 5


def test_masks_without_an_image_are_kept_apart(files):
    files.part("train/good/0.png", "test/hole/0.png")
    files.mask("ground_truth/hole/0_mask.png", "ground_truth/hole/7_mask.png")
    files.mask("ground_truth/gone/0/000.png", "ground_truth/good/0_mask.png")
    stray = read_dataset(files.folder).stray_masks
    assert [path.relative_to(files.folder).as_posix() for path in stray] == [
        "ground_truth/gone/0/000.png",
        "ground_truth/hole/7_mask.png",
    ]


def test_folders_that_lead_in_a_circle_do_no_harm(files):
    files.parts("good", 30)
    files.part("bad/0.png")
    (files.folder / "bad/again").symlink_to(files.folder)
    (files.folder / "bad/self").symlink_to("self")
    (files.folder / "ground_truth").symlink_to("ground_truth")
    dataset = read_dataset(files.folder)
    assert seen(dataset, "test")[-1] == ("bad", "0.png", 0)
    with pytest.raises(DatasetError, match="There is no folder"):
        read_dataset(files.folder / "bad/self")
