"""Bundles from anywhere: nothing is read that never ends or that a file only claims."""

import hashlib
import io
import json
import os
import zipfile

import numpy as np
import pytest
from bundles import rewrite, unchecked, with_file
from numpy.lib import format as npy

from slsg_edge.bundle import arrays
from slsg_edge.bundle.folder import open_bundle
from slsg_edge.bundle.golden import golden_from
from slsg_edge.bundle.manifest import MOST_STAGES
from slsg_edge.bundle.onnx_file import fault_of
from slsg_edge.config import json_from, read_toml, value_from_text
from slsg_edge.errors import BundleError, ConfigError, StaleBundle, UntrustedBundle


def head(shape, kind="|u1"):
    buffer = io.BytesIO()
    entries = {"descr": kind, "fortran_order": False, "shape": shape}
    npy.write_array_header_1_0(buffer, entries)
    return buffer.getvalue()


def pipe(path):
    path.unlink()
    os.mkfifo(path)


def device(path):
    path.unlink()
    path.symlink_to("/dev/zero")


def sparse(path):
    with path.open("wb") as file:
        file.truncate(200 * 2**30)


@pytest.mark.skipif(os.name != "posix", reason="needs pipes and devices")
@pytest.mark.parametrize("file", ["model.onnx", "golden.npz", "manifest.json"])
@pytest.mark.parametrize("make", [pipe, device, sparse])
def test_only_ordinary_files_of_some_size_are_read(toy_bundle, make, file):
    make(toy_bundle / file)
    with pytest.raises(BundleError, match=r"no ordinary file|larger than|has no manifest"):
        open_bundle(toy_bundle).file(file)


@pytest.mark.parametrize(
    "frames",
    [
        head((10**9, 1000, 900, 3)),  # 2.7 PB, it says
        head((1, 4, 4, 3)) + bytes(2**22),  # a zip of 4 KB
        head((2, 4, 4, 3)) + bytes(48),
        b"\x93NUMPY\x01\x00\xff\xff",
        os.urandom(200),
    ],
)
def test_golden_frames_are_no_larger_than_they_say(tmp_path, monkeypatch, frames):
    monkeypatch.setattr(arrays, "LIMIT", 2**20)
    path = tmp_path / "golden.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("frames.npy", frames)
        file.writestr("anomaly_map.npy", head((1, 4, 4), "<f4") + bytes(64))
        file.writestr("image_score.npy", head((1,), "<f4") + bytes(4))
    with pytest.raises(BundleError, match="holds no golden frames"):
        golden_from(unchecked(path))


def test_a_key_that_is_given_twice_is_refused_wherever_it_stands(toy_bundle):
    path = toy_bundle / "manifest.json"
    text = path.read_text()
    for twice in (
        text.replace('"value": 0.5', '"value": 0.5, "value": 0.99'),
        text.rstrip()[:-1] + ', "threshold": null}',
    ):
        path.write_text(twice)
        with pytest.raises(BundleError, match=r"damaged: the key '\w+' is given twice"):
            open_bundle(toy_bundle)


def test_what_is_nested_or_long_without_end_is_refused(toy_bundle, tmp_path):
    deep = "[" * 100_000 + "]" * 100_000
    with pytest.raises(ValueError, match="nested too deeply"):
        json_from(deep.encode())
    path = tmp_path / "x.toml"
    path.write_text(f"a = {deep}")
    with pytest.raises(ConfigError, match="nested too deeply"):
        read_toml(path)
    path.write_text(f"a = {'9' * 5000}")
    with pytest.raises(ConfigError, match="not valid TOML"):
        read_toml(path)
    assert value_from_text(deep) == deep
    for odd in ("/dev/zero", tmp_path):
        with pytest.raises(ConfigError, match=r"no ordinary file|Is a directory"):
            read_toml(type(path)(odd))
    rewrite(open_bundle(toy_bundle), lambda table: table["stages"].update(x="a" * 2**24))
    with pytest.raises(BundleError, match="larger than 16 MiB"):
        open_bundle(toy_bundle)


def stage(inputs, outputs):
    return {
        "command": "c",
        "finished": "",
        "seconds": 0,
        "inputs": dict.fromkeys(inputs, "a"),
        "outputs": dict.fromkeys(outputs, "a"),
        "tools": {},
        "settings": {},
    }


def test_thousands_of_stages_are_refused(toy_bundle):
    more = {f"s{n}": stage([f"f{n}"], [f"f{n + 1}"]) for n in range(3000)}
    rewrite(open_bundle(toy_bundle), lambda table: table["stages"].update(more))
    with pytest.raises(BundleError, match=f"3002 stages, where at most {MOST_STAGES} are due"):
        open_bundle(toy_bundle)


def test_many_ways_through_the_stages_are_gone_once(toy_bundle):
    def more(table):
        for n in range(60):  # 2^60 ways
            inputs = [f"a{n}", f"b{n}"] if n else []
            table["stages"][f"s{n}"] = stage(inputs, [f"a{n + 1}", f"b{n + 1}"])
        table["stages"]["calibrate"]["inputs"]["a60"] = "b"

    rewrite(open_bundle(toy_bundle), more)
    with pytest.raises(StaleBundle, match="a60 has changed"):
        open_bundle(toy_bundle).require_fresh("calibrate")


@pytest.mark.parametrize("name", ["", "x" * 256, "a\x1b[31mb", "a\x00b", "a\nb"])
def test_names_that_are_none_are_refused(toy_bundle, name):
    def change(table):
        table["stages"]["export"]["outputs"][name] = hashlib.sha256(b"").hexdigest()

    rewrite(open_bundle(toy_bundle), change)
    with pytest.raises(BundleError, match="which is no name of one"):
        open_bundle(toy_bundle)


def external(where):
    """A model with one tensor whose numbers are in another file, somewhere in the graph."""
    onnx = pytest.importorskip("onnx")
    tensor = onnx.numpy_helper.from_array(np.zeros(4, np.float32), "w")
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="w.bin")
    inner = onnx.GraphProto(name="inner")
    inner.initializer.append(tensor)
    graph = onnx.GraphProto(name="g")
    if where == "initializer":
        graph.initializer.append(tensor)
    elif where == "constant":
        graph.node.append(onnx.helper.make_node("Constant", [], ["w"], value=tensor))
    elif where == "subgraph":
        graph.node.append(onnx.helper.make_node("If", ["c"], ["w"], then_branch=inner))
    elif where == "sparse":
        graph.sparse_initializer.add().values.CopyFrom(tensor)
    model = onnx.helper.make_model(graph)
    if where == "function":
        model.functions.add().node.append(onnx.helper.make_node("C", [], ["w"], value=tensor))
    return model.SerializeToString()


@pytest.mark.parametrize("where", ["initializer", "constant", "subgraph", "sparse", "function"])
def test_weights_in_another_file_are_refused_everywhere(toy_bundle, where):
    bundle = with_file(open_bundle(toy_bundle), "model.onnx", external(where))
    with pytest.raises(UntrustedBundle, match="takes weights from other files"):
        bundle.file("model.onnx")


def test_whole_and_damaged_models_name_no_other_file(toy_model):
    whole = toy_model()
    assert not fault_of(whole)
    for end in range(0, len(whole), 7):
        assert not fault_of(whole[:end])
    for seed in range(50):
        fault_of(np.random.default_rng(seed).bytes(200))


def test_json_says_numbers_only():
    with pytest.raises(ValueError, match="NaN is no number"):
        json_from(b'{"a": NaN}')
    assert json_from(json.dumps({"a": [1, {"b": None}]}).encode()) == {"a": [1, {"b": None}]}
