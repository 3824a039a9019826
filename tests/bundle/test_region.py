import dataclasses
import hashlib
import json

import pytest
from bundles import sets

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.bundle.region import fingerprint_of, with_region
from slsg_edge.preprocessing import Roi
from slsg_edge.scoring import Threshold

CORNER = Roi(0, 0, 16, 16)


@pytest.fixture
def bundle(toy_bundle):
    return open_bundle(toy_bundle)


def digits_of(bundle):
    return hashlib.sha256((bundle.path / "manifest.json").read_bytes()).hexdigest()[:16]


def test_a_bundle_as_it_stands_has_the_first_digits_of_its_manifest(bundle):
    assert fingerprint_of(bundle) == digits_of(bundle)


def test_so_has_one_whose_manifest_was_written_another_way(bundle):
    path = bundle.path / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()), indent=3))
    assert fingerprint_of(open_bundle(bundle.path)) == digits_of(bundle)


def test_another_region_is_another_fingerprint_and_always_the_same(bundle):
    corner, other = with_region(bundle, CORNER), with_region(bundle, Roi(1, 0, 16, 16))
    assert corner.manifest.preprocessing == dataclasses.replace(
        bundle.manifest.preprocessing, roi=CORNER
    )
    assert len({fingerprint_of(one) for one in (bundle, corner, other)}) == 3
    assert fingerprint_of(corner) == fingerprint_of(with_region(open_bundle(bundle.path), CORNER))
    assert fingerprint_of(with_region(bundle, None)) == fingerprint_of(bundle)


def test_the_disk_stays_as_it_is(bundle):
    before = digits_of(bundle)
    with_region(bundle, CORNER)
    assert digits_of(bundle) == before


def test_another_threshold_is_another_fingerprint(bundle):
    before = fingerprint_of(bundle)
    changed = bundle.commit(
        "calibrate", {}, command="c", started=0.0, update=sets(threshold=Threshold(0.6, "manual"))
    )
    assert fingerprint_of(changed) == digits_of(bundle) != before
    # whoever opened it earlier still judges by the earlier threshold
    assert fingerprint_of(bundle) == before
