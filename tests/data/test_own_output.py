"""What this tool wrote itself is no input of the next command."""

from pathlib import Path

import pytest

from slsg_edge.data.inputs import require_outside
from slsg_edge.data.layouts import read_dataset
from slsg_edge.data.left_out import by_reason
from slsg_edge.data.listing import list_images
from slsg_edge.data.own_output import A_BUNDLE, A_RUN, HEAT, KEPT
from slsg_edge.errors import ConfigError

STEM = "20261130T132157_0000000{}_0.8573"


def rejects(files, folder, count=3):
    for index in range(count):
        stem = f"{folder}/{STEM.format(index)}"
        files.part(f"{stem}.png", f"{stem}_heat.jpg")


def reasons(left_out):
    return {why: len(paths) for why, paths in by_reason(left_out).items()}


def test_run_folders_bundles_and_unsorted_rejects_are_no_kinds_of_defect(files):
    files.parts("good", 8)
    files.part("NG/0.png", "x.run/anomalies.png", "x.run/losses.png", "x.slsg/a.png")
    files.part("renamed/0.png")
    (files.folder / "renamed/manifest.json").write_text("{}")
    (files.folder / "renamed/weights.safetensors").write_bytes(b"")
    rejects(files, "rejects")
    files.part(f"x-recorded/{STEM.format(0)[:24]}.png")
    dataset = read_dataset(files.folder)
    assert dataset.kinds == ("NG",)
    assert reasons(dataset.left_out) == {KEPT: 7, A_RUN: 2, A_BUNDLE: 2}


def test_rejects_that_a_person_sorted_are_taken_without_their_heat(files):
    rejects(files, "good", 5)
    rejects(files, "bad", 2)
    dataset = read_dataset(files.folder)
    assert sum(one.good for one in dataset.samples) == 5
    assert len(dataset.of("test", good=False)) == 2
    assert reasons(dataset.left_out) == {HEAT: 7}


def test_pictures_that_a_line_kept_are_told_from_their_heat_as_those_of_a_watch(files):
    for number in range(5):
        stem = f"good/01a22d75-069c-7ab6-a28f-c358d1f425f{number}"
        files.part(f"{stem}.png", f"{stem}_heat.jpg")
    dataset = read_dataset(files.folder)
    assert len(dataset.samples) == 5
    assert reasons(dataset.left_out) == {HEAT: 5}


def test_a_folder_called_run_that_we_did_not_write_is_a_kind(files):
    files.parts("good", 5)
    files.part("dry.run/0.png")
    assert read_dataset(files.folder).kinds == ("dry.run",)


def test_rejects_among_other_images_are_left_out_and_alone_they_are_inspected(files):
    rejects(files, "rejects")
    assert len(list_images(files.folder / "rejects").images) == 3
    files.part("0.png", "1.png")
    found = list_images(files.folder)
    assert [path.name for path in found.images] == ["0.png", "1.png"]
    assert reasons(found.left_out) == {KEPT: 6}
    rejects(files, ".", 1)
    found = list_images(files.folder)
    assert [path.name for path in found.images] == ["0.png", "1.png"]


def test_photos_of_a_heat_camera_are_photos(files):
    files.part("1.png", "1_heat.jpg")
    assert len(list_images(files.folder).images) == 2


@pytest.mark.parametrize(
    "target", ["S", "S/rejects", "S/a/../b", "link/x", "S/../S/new/deep", "shared/rejects"]
)
def test_what_is_written_must_lie_outside_of_what_is_read(files, monkeypatch, target):
    files.part("S/0.png", "shared/1.png", "outside/2.png")
    monkeypatch.chdir(files.folder)
    Path("link").symlink_to("S")
    Path("S/day2").symlink_to("../shared")
    source = files.folder / "S"
    with pytest.raises(ConfigError, match=r"--rejects .* lies in .*outside"):
        require_outside(source, "--rejects", files.folder / target)
    with pytest.raises(ConfigError):
        require_outside(files.folder / "link", "--rejects", files.folder / target)
    require_outside(source, "--rejects", files.folder / "outside/rejects")
    require_outside(source, "--rejects", files.folder / "S-rejects")
