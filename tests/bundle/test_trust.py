"""Whose bundles a machine opens, and what a line may change in them."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from conftest import HALF, TOY, build_bundle
from signed import ENGINE, World, key_in, with_engine, world_of

from slsg_edge.bundle.device import accept
from slsg_edge.bundle.folder import open_bundle
from slsg_edge.bundle.opening import trusted_bundle
from slsg_edge.bundle.statement import now
from slsg_edge.bundle.trust import require_trusted, trusted_keys
from slsg_edge.bundle.trust_changes import add_key, require_roles
from slsg_edge.calibration.storing import moved_by_hand, store_threshold
from slsg_edge.errors import BundleError, ConfigError, UntrustedBundle
from slsg_edge.stages.sign import sign


@pytest.fixture(scope="module")
def unharmed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unharmed")
    toy = build_bundle(folder / "toy.slsg", TOY.read_bytes(), HALF)
    return world_of(folder / "world", toy.path)


@pytest.fixture
def world(tmp_path, unharmed, monkeypatch):
    made = World(shutil.copytree(unharmed.folder, tmp_path / "world"))
    monkeypatch.setenv("SLSG_EDGE_TRUST", str(made.store))
    return made


def trusted(world):
    return require_trusted(world.bundle, trusted_keys())


def set_threshold(world, value):
    bundle = open_bundle(world.bundle)
    return store_threshold(bundle, moved_by_hand(bundle, value), "c", time.monotonic())


def test_a_machine_that_trusts_no_key_opens_everything(world, tmp_path, monkeypatch):
    monkeypatch.setenv("SLSG_EDGE_TRUST", str(tmp_path))
    found = trusted(world)
    assert (found.signed, found.fingerprint, tuple(found.signers)) == (False, "", ())
    assert trusted_bundle(world.bundle) == open_bundle(world.bundle)


def test_a_signed_bundle_says_who_vouches_for_it(world):
    found = trusted(world)
    assert [(signer.name, signer.role) for signer in found.signers] == [("maker", "builder")]
    assert re.fullmatch("[0-9a-f]{64}", found.fingerprint)
    assert not found.changed_here


def test_two_roles_are_two_signatures_of_one_release(world):
    require_roles(world.store, ("builder", "releaser"))
    world.trust(world.stranger, "boss", "releaser", expires=(now() + timedelta(9)).isoformat())
    before = world.sign(world.maker).fingerprint
    assert world.sign(world.stranger, "releaser").fingerprint == before
    found = trusted(world)
    assert {signer.role for signer in found.signers} == {"builder", "releaser"}
    assert found.fingerprint == before


def test_a_threshold_that_is_moved_on_the_line_is_signed_by_the_machine(world):
    release = trusted(world).fingerprint
    for value in (0.6, 0.7, 0.8):
        set_threshold(world, value)
        found = trusted(world)
        assert (found.fingerprint, found.changed_here) == (release, True)
        assert found.manifest.threshold.value == value
    assert len(world.payloads()) == 3  # the maker's, and two of the machine's


def test_an_engine_that_is_built_on_the_line_is_signed_by_the_machine(world):
    with_engine(open_bundle(world.bundle), b"built here")
    assert trusted(world).changed_here
    assert trusted_bundle(world.bundle).content(ENGINE).data == b"built here"


@pytest.mark.parametrize("written", [0, 1, 2, 3])
def test_power_that_goes_between_two_renames_leaves_a_trusted_bundle(world, monkeypatch, written):
    """Of the signatures, the engine, its record and the manifest only the first are in place."""
    new = world.folder / "new.slsg"
    shutil.copytree(world.bundle, new)
    with_engine(open_bundle(new), b"built here")
    names = ("signatures.jsonl", ENGINE, "engines/current-fp16.json", "manifest.json")
    for name in names[: written + 1]:
        shutil.copy(new / name, world.bundle / name)
    assert trusted(world).signed


def test_what_was_moved_without_the_machine_is_refused(world, tmp_path, monkeypatch):
    monkeypatch.setenv("SLSG_EDGE_TRUST", str(tmp_path))
    set_threshold(world, 0.6)  # as on another computer
    monkeypatch.setenv("SLSG_EDGE_TRUST", str(world.store))
    with pytest.raises(UntrustedBundle, match=r"manifest.json is not .* trust accept"):
        trusted(world)
    set_threshold(world, 0.7)  # which makes it no better
    with pytest.raises(UntrustedBundle):
        trusted(world)


def test_what_was_made_before_a_key_was_trusted_can_be_accepted(world, tmp_path, monkeypatch):
    monkeypatch.setenv("SLSG_EDGE_TRUST", str(tmp_path))
    set_threshold(world, 0.612345)
    with_engine(open_bundle(world.bundle), b"built before")
    monkeypatch.setenv("SLSG_EDGE_TRUST", str(world.store))
    assert ENGINE in accept(world.bundle, trusted_keys())
    assert trusted(world).changed_here
    assert accept(world.bundle, trusted_keys()) == []


@pytest.mark.parametrize("name", ["model.onnx", "manifest.json"])
def test_nothing_else_can_be_accepted(world, name):
    path = world.bundle / name
    path.write_bytes(path.read_bytes().replace(b"toy", b"foe"))
    with pytest.raises(UntrustedBundle):
        accept(world.bundle, trusted_keys())


def test_a_machine_whose_key_cannot_be_used_changes_nothing(world):
    before = {path: path.read_bytes() for path in world.bundle.rglob("*") if path.is_file()}
    (world.store / "device.key").unlink()
    with pytest.raises(ConfigError, match="must be signed by this machine"):
        set_threshold(world, 0.6)
    assert before == {path: path.read_bytes() for path in before}
    assert trusted(world).signed


def test_a_file_that_is_swapped_between_check_and_use_is_never_used(world):
    """By name and in place: what is given is what was hashed."""
    bundle = trusted_bundle(world.bundle)
    model = world.bundle / "model.onnx"
    held = bundle.content("model.onnx")
    other = world.folder / "other"
    other.write_bytes(b"x" * model.stat().st_size)
    other.replace(model)
    assert held.data == TOY.read_bytes()
    with pytest.raises(UntrustedBundle, match="is not the file that"):
        bundle.content("model.onnx")


def test_a_manifest_that_is_swapped_after_the_check_is_not_read(world, monkeypatch):
    from slsg_edge.bundle import opening

    def checked_then_swapped(path, store):
        found = require_trusted(path, store)
        shutil.copy(world.other / "manifest.json", world.bundle / "manifest.json")
        return found

    monkeypatch.setattr(opening, "require_trusted", checked_then_swapped)
    assert trusted_bundle(world.bundle).manifest.detector == "toy"


def test_what_a_killed_process_left_is_no_stranger(world):
    (world.bundle / ".slsg-0123abcd-17-3.tmp").write_bytes(b"half")
    assert trusted(world).signed


def test_what_nobody_can_vouch_for_is_not_signed(world):
    (world.bundle / "notes.txt").write_text("x")
    with pytest.raises(BundleError, match=r"notes\.txt was written by no stage"):
        sign(world.bundle, world.maker, "builder")
    (world.bundle / "notes.txt").unlink()
    (world.bundle / "golden.npz").write_bytes(b"x")
    with pytest.raises(UntrustedBundle, match="is not the file that"):
        sign(world.bundle, world.maker, "builder")
    with pytest.raises(ConfigError, match="has passed"):
        sign(world.bundle, world.maker, "builder", now() - timedelta(1))


def test_a_key_signs_once_in_a_role(world):
    for _ in range(3):
        world.sign(world.maker)
    assert len(world.payloads()) == 1


def test_a_store_that_others_may_write_is_not_believed(world):
    (world.store / "trust.json").chmod(0o666)
    with pytest.raises(ConfigError, match="Others may write"):
        trusted_keys()
    (world.store / "trust.json").chmod(0o644)
    world.store.chmod(0o777)
    with pytest.raises(ConfigError, match="Others may write"):
        trusted_keys()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"format": 2}', b'{"format": 1, "keys": 3}', b'{"keys": [{}]}', b"\xff",
     b'{"device": "zz"}', b'{"keys": [{"name": "a", "public": "00", "roles": [], "added": ""}]}',
     b'{"require": ["king"]}', b'{"require": [], "require": []}'],
)  # fmt: skip
def test_a_damaged_store_opens_nothing(world, content):
    (world.store / "trust.json").write_bytes(content)
    with pytest.raises(ConfigError, match=r"trust.json is damaged.*nothing is opened"):
        trusted_bundle(world.bundle)


def test_a_store_that_is_named_and_not_there_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("SLSG_EDGE_TRUST", str(tmp_path / "away"))
    with pytest.raises(ConfigError, match="There is no trust store"):
        trusted_keys()


def test_a_key_is_added_once_and_one_that_was_revoked_stays(world):
    with pytest.raises(ConfigError, match="is there already: maker"):
        add_key(world.store, world.maker.public, "again", ("builder",), None)
    with pytest.raises(ConfigError, match="is there already: maker"):
        add_key(world.store, key_in(world.folder, "new").public, "maker", ("builder",), None)


BOMBS = """
import json, resource, sys
from pathlib import Path
from slsg_edge.bundle.opening import trusted_bundle
from slsg_edge.bundle.golden import golden_from
from slsg_edge.errors import SlsgError
held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (held + 150 * 2**20,) * 2)
for path in map(Path, sys.argv[1:]):
    try:
        golden_from(trusted_bundle(path).content("golden.npz"))
        print("opened")
    except SlsgError as error:
        print(error.what)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits the memory of a process")
def test_bombs_take_no_memory(world, tmp_path):
    from hostile_content import CONTENTS

    names = [
        "a manifest of 60 MB",
        "a manifest of 5 million lists",
        "golden frames that unpack to 200 MB",
        "golden frames of 2.7 PB",
    ]
    paths = []
    for number, name in enumerate(names):
        paths.append(build_bundle(tmp_path / f"{number}.slsg", TOY.read_bytes(), HALF).path)
        CONTENTS[name][0](paths[-1])
    environment = {**os.environ, "SLSG_EDGE_TRUST": str(tmp_path)}  # trusts no key
    done = subprocess.run(
        [sys.executable, "-c", BOMBS, *map(str, paths)],
        env=environment, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    said = done.stdout.splitlines()
    assert len(said) == len(names)
    for name, words in zip(names, said, strict=True):
        assert re.search(CONTENTS[name][1], words), words
    assert json.loads((world.store / "trust.json").read_bytes())["keys"]
