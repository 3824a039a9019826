"""A bundle as one file: the same bytes each time, and whatever is wrong with one is refused."""

import io
import shutil
import stat
import zipfile

import pytest
from signed import key_in

from slsg_edge.bundle.archive import MOST_FILES, pack, unpack
from slsg_edge.bundle.folder import open_bundle
from slsg_edge.bundle.trust import require_trusted, trusted_keys
from slsg_edge.bundle.trust_changes import add_key
from slsg_edge.errors import BundleError, ConfigError, StorageError, UntrustedBundle
from slsg_edge.stages.sign import sign

DATE = (1980, 1, 1, 0, 0, 0)


@pytest.fixture
def packed(toy_bundle, tmp_path):
    return pack(open_bundle(toy_bundle), tmp_path / "toy.slsg.zip")


def files_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def changed(packed, target, change):
    """The archive with its list of (name, attributes, content, compression) changed."""
    with zipfile.ZipFile(packed) as archive:
        entries = [
            [entry.filename, entry.external_attr, archive.read(entry), zipfile.ZIP_STORED]
            for entry in archive.infolist()
        ]
    entries = change(entries) or entries
    with zipfile.ZipFile(target, "w") as archive:
        for name, attributes, content, compression in entries:
            entry = zipfile.ZipInfo("x", DATE)
            entry.filename = entry.orig_filename = name
            entry.external_attr, entry.compress_type = attributes, compression
            archive.writestr(entry, content)
    return target


def test_what_comes_out_is_what_went_in(packed, toy_bundle, tmp_path):
    made = unpack(packed, tmp_path / "other" / "made.slsg")
    assert files_of(made) == files_of(toy_bundle)
    assert open_bundle(made).manifest == open_bundle(toy_bundle).manifest


def test_the_same_bundle_gives_the_same_bytes_wherever_it_lies(packed, toy_bundle, tmp_path):
    copied = tmp_path / "copy.slsg"
    shutil.copytree(toy_bundle, copied, copy_function=shutil.copyfile)
    assert pack(open_bundle(copied), tmp_path / "b.zip").read_bytes() == packed.read_bytes()
    assert pack(open_bundle(copied), packed).read_bytes() == packed.read_bytes()


def test_a_file_that_was_changed_is_not_packed_and_nothing_is_left(toy_bundle, tmp_path):
    (toy_bundle / "model.onnx").write_bytes(b"another")
    with pytest.raises(UntrustedBundle, match=r"model\.onnx"):
        pack(open_bundle(toy_bundle), tmp_path / "new" / "a.zip")
    assert list((tmp_path / "new").iterdir()) == []


def test_only_what_the_line_needs_may_be_there(toy_bundle, tmp_path):
    """A bundle travels without its weights, too."""
    (toy_bundle / "golden.npz").unlink()
    made = unpack(pack(open_bundle(toy_bundle), tmp_path / "a.zip"), tmp_path / "b.slsg")
    assert not (made / "golden.npz").exists()


def test_nothing_is_overwritten(packed, toy_bundle, tmp_path):
    with pytest.raises(ConfigError, match="there already"):
        unpack(packed, toy_bundle)
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigError, match="no archive of a bundle"):
        pack(open_bundle(toy_bundle), tmp_path / "thesis.txt")
    with pytest.raises(StorageError, match="inside the bundle"):
        pack(open_bundle(toy_bundle), toy_bundle / "a.zip")


def renamed(name):
    return lambda entries: entries.append([name, 0, b"x", zipfile.ZIP_STORED])


def link(entries):
    entries[1][1] = (stat.S_IFLNK | 0o777) << 16


def compressed(entries):
    entries.append(["weights.safetensors", 0, bytes(10**6), zipfile.ZIP_DEFLATED])


def with_other_content(entries):
    entries[1][2] = entries[1][2][:-1] + b"!"


def swapped(entries):
    entries[1][2], entries[2][2] = entries[2][2], entries[1][2]


def without_manifest(entries):
    return entries[1:]


def with_large_manifest(entries):
    entries[0][2] = b" " * (17 * 2**20)


def with_deep_manifest(entries):
    entries[0][2] = b"[" * 10**6


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (renamed("../evil"), "leads out"),
        (renamed("a/../../evil"), "leads out"),
        (renamed("/etc/evil"), "leads out"),
        (renamed("C:/evil"), "leads out"),
        (renamed("..\\evil"), "leads out"),
        (renamed("engines/./a"), "not written plainly"),
        (renamed("a//b"), "not written plainly"),
        (renamed("folder/"), "not written plainly"),
        (renamed("a\nb"), "no name of a file"),
        (renamed("x" * 300), "no name of a file"),
        (renamed("MODEL.onnx"), "twice"),
        (renamed("model.onnx"), "twice"),
        (renamed("extra.bin"), "does not name 'extra.bin'"),
        (link, "no ordinary file"),
        (compressed, "compressed"),
        (with_other_content, "not the file that its manifest names"),
        (swapped, "not the file that its manifest names"),
        (without_manifest, r"has no manifest\.json"),
        (with_large_manifest, "17 MiB"),
        (with_deep_manifest, "damaged"),
        (lambda entries: [[f"{n}", 0, b"", 0] for n in range(MOST_FILES + 1)], "1001 files"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_whatever_is_wrong_is_refused_and_nothing_is_written(packed, tmp_path, change, words):
    hostile = changed(packed, tmp_path / "hostile.zip", change)
    before = set(tmp_path.rglob("*"))
    with pytest.raises(BundleError, match=words):
        unpack(hostile, tmp_path / "unpacked.slsg")
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_an_archive_that_was_cut_is_none(packed, tmp_path, share):
    cut = tmp_path / "cut.zip"
    content = packed.read_bytes()
    cut.write_bytes(content[: int(share * len(content))])
    with pytest.raises(BundleError, match="no archive of a bundle"):
        unpack(cut, tmp_path / "unpacked.slsg")


def test_files_that_share_their_bytes_are_a_bomb(packed, tmp_path):
    """Each entry of the directory points at the same data."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(zipfile.ZipInfo("0", DATE), bytes(100_000))
        first = archive.infolist()[0]
        for index in range(1, 50):
            again = zipfile.ZipInfo(str(index), DATE)
            again.header_offset, again.CRC = first.header_offset, first.CRC
            again.file_size = again.compress_size = first.file_size
            archive.filelist.append(again)
            archive.NameToInfo[again.filename] = again
        archive._didModify = True
    hostile = tmp_path / "bomb.zip"
    hostile.write_bytes(content.getvalue())
    with pytest.raises(UntrustedBundle, match="larger than itself"):
        unpack(hostile, tmp_path / "unpacked.slsg")


def test_signatures_travel_with_the_bundle(toy_bundle, tmp_path):
    key = key_in(tmp_path / "keys", "maker")
    sign(toy_bundle, key, "builder")
    archive = pack(open_bundle(toy_bundle), tmp_path / "a.slsg.zip")
    there = unpack(archive, tmp_path / "there.slsg")
    held = (toy_bundle / "signatures.jsonl").read_bytes()
    assert (there / "signatures.jsonl").read_bytes() == held
    add_key(tmp_path / "trust", key.public, "maker", ("builder",), None)
    assert require_trusted(there, trusted_keys(tmp_path / "trust")).signed
