"""Bundles that fuzzing and reading found: weights from elsewhere, and tracebacks."""

import io
import json
import zipfile

import numpy as np
import pytest
from bundles import rewrite, with_file
from fuzz.bundle_inputs import EXTERNAL

from slsg_edge.bundle import onnx_file
from slsg_edge.bundle.archive import pack, unpack
from slsg_edge.bundle.digests import Content
from slsg_edge.bundle.engine_record import fingerprint_of
from slsg_edge.bundle.folder import open_bundle
from slsg_edge.bundle.golden import golden_from
from slsg_edge.bundle.good_scores import good_scores_of
from slsg_edge.bundle.onnx_file import fault_of
from slsg_edge.errors import BundleError, UntrustedBundle


def varint(value):
    low, value = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + varint(value) if value else bytes([low])


def with_weights_elsewhere(toy_model):
    """The toy's graph with one number in a file `x`."""
    onnx = pytest.importorskip("onnx")
    model = onnx.ModelProto.FromString(toy_model())
    tensor = next(one for one in model.graph.initializer if one.name == "largest")
    number = onnx.numpy_helper.to_array(tensor).tobytes()
    for field in ("float_data", "raw_data"):
        tensor.ClearField(field)
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="x")
    graph = model.graph.SerializeToString()
    model.ClearField("graph")
    return model.SerializeToString(), graph, number


# Of the field of the graph: as everybody writes it, and with bits that readers drop.
PLAIN, LONG = b"\x3a", b"\xba\x80\x80\x80\x10"


@pytest.mark.parametrize(
    ("before", "tag"),
    [
        (b"", PLAIN),
        (b"\x9b\x06\x9c\x06", PLAIN),  # an empty group, which ONNX has not
        (b"\x9b\x06\x08\x01\x13\x14\x9c\x06", PLAIN),  # a group with a number and a group in it
        (b"\x3d\xff\xff\xff\xff", PLAIN),  # the graph as a number of 32 bit
        (b"", LONG),
    ],
)
def test_weights_that_are_read_from_another_file_are_found(toy_model, tmp_path, before, tag):
    """ONNX Runtime takes each of these, with the number from the other file."""
    head, graph, number = with_weights_elsewhere(toy_model)
    content = before + head + tag + varint(len(graph)) + graph
    runtime = pytest.importorskip("onnxruntime")
    (tmp_path / "m.onnx").write_bytes(content)
    (tmp_path / "x").write_bytes(number)
    runtime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    assert "other files" in fault_of(content)


@pytest.mark.parametrize("content", EXTERNAL)
def test_they_are_found_without_onnx(content):
    assert "other files" in fault_of(content)
    assert not fault_of(content.replace(b"location", b"xxxxxxxx")[: content.index(b"loc")])


def test_a_model_of_more_parts_than_any_is_not_read_to_its_end(monkeypatch):
    """A file of a gigabyte may have three hundred million of them."""
    monkeypatch.setattr(onnx_file, "_MOST_FIELDS", 1000)
    parts = b"\x3a\x05\x0a\x03\x2a\x01\x00"
    names = b"\x12\x08location"  # which every model may have
    assert not fault_of(names)
    assert "over 1000 parts" in fault_of(parts * 1000 + names)


def test_a_bundle_with_such_weights_is_untrusted(toy_bundle):
    bundle = with_file(open_bundle(toy_bundle), "model.onnx", EXTERNAL[2])
    with pytest.raises(UntrustedBundle, match="takes weights from other files"):
        bundle.file("model.onnx")


@pytest.mark.parametrize("place", ["value", "seconds", "brightest"])
def test_whole_numbers_beyond_any_float(toy_bundle, place):
    def change(table):
        holder = {
            "value": table["threshold"],
            "seconds": table["stages"]["export"],
            "brightest": table["usual"],
        }
        holder[place][place] = 10**400

    rewrite(open_bundle(toy_bundle), change)
    with pytest.raises(BundleError, match="damaged"):
        open_bundle(toy_bundle)


@pytest.mark.parametrize(
    "patches",
    [
        {6: b"\xff"},  # a version of zip that does not exist yet
        {8: b"\x20\0"},  # patched data
        {8: b"\x40\0"},  # strongly encrypted
        {8: b"\0\x08", 46: b"\xff\xff"},  # a name in UTF-8 that is none
    ],
)
def test_kinds_of_zip_that_python_does_not_know(toy_bundle, tmp_path, patches):
    """As the directory at the end of the archive says of its last file."""
    archive = pack(open_bundle(toy_bundle), tmp_path / "a.slsg.zip")
    content = bytearray(archive.read_bytes())
    entry = content.rindex(b"PK\x01\x02")
    for at, patch in patches.items():
        content[entry + at : entry + at + len(patch)] = patch
    archive.write_bytes(bytes(content))
    with pytest.raises(BundleError):
        unpack(archive, tmp_path / "b.slsg")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.slsg.zip", "made.slsg"]


def npz(header, pack=zipfile.ZIP_STORED):
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w", pack) as file:
        for name in ("frames", "anomaly_map", "image_score"):
            head = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
            file.writestr(f"{name}.npy", head + bytes(64))
    return stored.getvalue()


def damaged(pack):
    """Packed, with bytes in the middle that nothing unpacks."""
    content = bytearray(npz(b"{'descr': '<f4', 'fortran_order': False, 'shape': (16,)}\n", pack))
    name = content.index(b"frames.npy") + len(b"frames.npy")
    content[name + 4 : name + 24] = b"\xff" * 20
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        npz(b"{'descr': '<f4', 'shape': (((\n"),
        npz(b"{'descr': [], 'fortran_order': False, 'shape': ()}\n"),
        npz(b"(" * 90 + b"\n"),
        npz(b"{'descr': '<f4', 'fortran_order': False, 'shape': (16L,)}\n"),
        damaged(zipfile.ZIP_DEFLATED),
        damaged(zipfile.ZIP_LZMA),
        damaged(zipfile.ZIP_BZIP2),
    ],
)
def test_golden_frames_that_numpy_stumbles_over(tmp_path, content):
    with pytest.raises(BundleError, match="holds no golden frames"):
        golden_from(Content(tmp_path / "golden.npz", content))


@pytest.mark.parametrize("content", [b"0", b"null", b"[1]", b'{"good": [' + b"[" * 500])
def test_good_scores_that_are_no_table(toy_bundle, content):
    bundle = with_file(open_bundle(toy_bundle), "good_scores.json", content)
    with pytest.raises(UntrustedBundle, match="is damaged"):
        good_scores_of(bundle)


def test_what_is_deep_but_can_be_parsed_is_refused(tmp_path):
    deep = "[" * 500 + "]" * 500
    content = json.dumps({"layers": json.loads(deep)}).encode()
    with pytest.raises(BundleError, match="nested too deeply"):
        fingerprint_of(Content(tmp_path / "a.json", content))


def test_numpy_reads_the_same_frames_as_before(tmp_path, toy_bundle):
    path = toy_bundle / "golden.npz"
    frames = golden_from(Content(path, path.read_bytes())).frames
    assert np.array_equal(frames[0], np.full((32, 32, 3), 40, np.uint8))
