"""Patches are kept from pass to pass, and found again to the last bit where the file is lost."""

import os

import pytest
import torch

from slsg_edge.models.npad.kept import KeptPatches, Patches

IMAGES, BATCH = 7, 3
FOUND = Patches(torch.randn(IMAGES, 4, 2, 3), torch.randn(IMAGES, 5))


class Finding:
    """As the trunk gives them; the last bits depend on which images are in the batch."""

    def __init__(self):
        self.asked = []

    def __call__(self, images):
        self.asked.append(images)
        part = FOUND.of(images)
        return Patches(part.cells + 1e-3 * len(images), part.means + 1e-3 * images.start)


@pytest.fixture
def find():
    return Finding()


@pytest.fixture
def kept(tmp_path, find):
    made = KeptPatches(tmp_path / "kept.bin", BATCH, find)
    for first in range(0, IMAGES, BATCH):
        made.add(find(range(first, min(first + BATCH, IMAGES))))
    find.asked.clear()
    return made


def same(one, other):
    return torch.equal(one.cells, other.cells) and torch.equal(one.means, other.means)


def test_what_was_kept_comes_back_in_any_order_and_is_not_found_again(kept, find):
    found = kept.of([4, 0, 6])
    assert same(found.of(range(1)), find(range(3, 6)).of(range(1, 2)))
    assert same(found.of(range(1, 2)), find(range(3)).of(range(1)))
    assert same(found.of(range(2, 3)), find(range(6, 7)))
    assert len(find.asked) == 3  # by this test alone


def spoil(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


LOSSES = {
    "gone": os.unlink,
    "a bit": spoil,
    "cut": lambda path: os.truncate(path, 100),
    "other": lambda path: path.write_bytes(bytes(10_000)),
}


@pytest.mark.parametrize("how", LOSSES)
def test_what_was_lost_is_found_with_the_images_of_its_batch(kept, find, how):
    whole = kept.of(range(IMAGES))
    LOSSES[how](kept.path)
    assert same(kept.of(range(IMAGES)), whole)
    assert find.asked
    assert set(find.asked) <= {range(3), range(3, 6), range(6, 7)}
    assert len(find.asked) <= 3


def test_a_resumed_run_reads_what_the_stopped_one_kept(kept, find, tmp_path):
    again = KeptPatches(tmp_path / "kept.bin", BATCH, find)
    again.load_state_dict(kept.state_dict())
    assert same(again.of([5, 2]), kept.of([5, 2]))
    assert not find.asked


def test_where_nothing_can_be_written_all_is_found_again(find, tmp_path):
    (tmp_path / "kept.bin").mkdir()
    kept = KeptPatches(tmp_path / "kept.bin", BATCH, find)
    kept.add(find(range(3)))
    assert same(kept.of([1]), find(range(3)).of(range(1, 2)))


def test_a_run_that_starts_anew_forgets_what_lay_there(find, tmp_path):
    (tmp_path / "kept.bin").write_bytes(bytes(100_000))
    KeptPatches(tmp_path / "kept.bin", BATCH, find).add(find(range(3)))
    assert (tmp_path / "kept.bin").stat().st_size == 3 * 4 * (4 * 2 * 3 + 5)
