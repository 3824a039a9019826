"""What a bundle is made of: manifest, archive, golden frames, ONNX, records beside them."""

import hashlib
import io
import json
import random
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import conftest as toys
from fuzz.mutation import mutated
from fuzz.target import Target

from slsg_edge.bundle.archive import pack, unpack
from slsg_edge.bundle.digests import Content
from slsg_edge.bundle.engine_record import (
    EngineOptions,
    Fingerprint,
    IoTensor,
    LayerCount,
    fingerprint_of,
)
from slsg_edge.bundle.folder import Bundle, Manifest, open_bundle
from slsg_edge.bundle.golden import golden_from
from slsg_edge.bundle.good_scores import GoodScore, GoodScores, good_scores_file, good_scores_of
from slsg_edge.bundle.inventory import inventory_of, summary_of
from slsg_edge.bundle.manifest import Stage
from slsg_edge.bundle.onnx_file import fault_of
from slsg_edge.bundle.plan import GOOD_SCORES_FILE, TRAINING_RECORD_FILE
from slsg_edge.bundle.records import ExportRecord, Int8Record, record_of, train_record_of
from slsg_edge.bundle.region import fingerprint_of as bundle_fingerprint
from slsg_edge.bundle.thresholds import threshold_of
from slsg_edge.bundle.tolerances import tolerance_of
from slsg_edge.bundle.training_record import trained_on, training_record
from slsg_edge.contracts import SimulatedScore
from slsg_edge.errors import BundleError

_DIGEST = "0" * 64


@cache
def _parts() -> tuple[bytes, bytes, bytes, bytes]:
    """Manifest, archive, golden frames and graph of a toy bundle."""
    with tempfile.TemporaryDirectory() as made:
        bundle = toys.build_bundle(Path(made, "toy.slsg"), toys.TOY.read_bytes(), toys.HALF)
        archive = pack(bundle, Path(made, "toy.slsg.zip")).read_bytes()
        names = "manifest.json", "golden.npz", "model.onnx"
        manifest, golden, model = ((bundle.path / name).read_bytes() for name in names)
    return manifest, archive, golden, model


def _manifests() -> Sequence[bytes]:
    table = json.loads(_parts()[0])
    table["preprocessing"]["roi"] = {"x": 1, "y": 2, "width": 30, "height": 30}
    table["thresholds"] = {"tensorrt-int8": dict(table["threshold"])}
    settings = {"data_fingerprint": "a", "settings": {"training": {"iterations": 3}}}
    trained = {**table["stages"]["export"], "outputs": {"weights.safetensors": _DIGEST}}
    table["stages"]["train"] = {**trained, "settings": settings}
    table["usual"] = {"height": 32, "width": 32, "darkest": 1.5, "brightest": 200, "flattest": 0.1}
    return [_parts()[0], json.dumps(table).encode()]


def _open_manifest(content: bytes, folder: Path) -> None:
    """All that `info` and a line ask of a manifest before they read any other file."""
    path = folder / "a.slsg"
    path.mkdir(exist_ok=True)
    (path / "manifest.json").write_bytes(content)
    bundle = open_bundle(path)
    bundle_fingerprint(bundle)
    train_record_of(bundle)
    tolerance_of(bundle.manifest.tolerances, "onnxruntime-fp32", "fp32")
    for ask in (
        lambda: (record_of(bundle, ExportRecord), record_of(bundle, Int8Record)),
        lambda: [bundle.command_of(stage) for stage in bundle.manifest.stages],
        lambda: threshold_of(bundle),
        lambda: [threshold_of(bundle, name) for name in bundle.manifest.thresholds],
        lambda: summary_of(inventory_of(bundle)),
    ):
        try:
            ask()
        except BundleError:  # of one thing: the others are asked for all the same
            continue


def _unpack(content: bytes, folder: Path) -> None:
    """Nothing may come out beside the new bundle, which has no file that its manifest lacks."""
    home = folder / "archives"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    archive, target = home / "a.slsg.zip", home / "a.slsg"
    archive.write_bytes(content)
    try:
        unpack(archive, target)
    finally:
        there = {each.name for each in home.iterdir()}
        assert there <= {archive.name, target.name}, there
        assert {each.name for each in folder.iterdir()} <= {home.name, "a.slsg"}
    manifest = open_bundle(target).manifest
    named = {name for stage in manifest.stages.values() for name in stage.outputs}
    found = {each.relative_to(target).as_posix() for each in target.rglob("*") if each.is_file()}
    assert found <= {*named, "manifest.json"}, found - named


def _rebuilt(rng: random.Random, _: bytes) -> bytes:
    """A zip that is in order, with names, kinds and contents that are not."""
    manifest, _archive, golden, model = _parts()
    contents = {"golden.npz": golden, "model.onnx": model[:200]}
    table = json.loads(manifest)
    outputs = table["stages"]["export"]["outputs"]
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w") as made:
        for name, content in contents.items():
            given = mutated(rng, [name.encode()], _NAMES).decode("latin-1")
            given = rng.choice((name, given))[:400] or "x"
            outputs[given] = hashlib.sha256(content).hexdigest()
            entry = zipfile.ZipInfo(given)
            entry.external_attr = rng.choice((0, 0o100644, 0o120777, 0o40755, 0o10644)) << 16
            entry.flag_bits |= rng.choice((0, 0, 0, 1, 0x20, 0x40, 0x800))
            entry.extract_version = rng.choice((20, 20, 20, 63, 64, 255))
            made.writestr(entry, content)
        text = json.dumps(table).encode()
        made.writestr("manifest.json", rng.choice((text, mutated(rng, [text]))))
    return rng.choice((stored.getvalue(), mutated(rng, [stored.getvalue()], most=2)))


_NAMES = (
    b"..", b"../", b"/", b"\\", b"./", b"//", b":", b"\0", b"CON", b"a/b", b"manifest.json/a",
)  # fmt: skip


def _golden(content: bytes, folder: Path) -> None:
    golden = golden_from(Content(folder / "golden.npz", content))
    golden.split_threshold()


def _repacked(rng: random.Random, _: bytes) -> bytes:
    """An npz whose zip is in order and whose arrays are not."""
    stored = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(_parts()[2])) as whole,
        zipfile.ZipFile(stored, "w", rng.choice((0, 8, 12, 14))) as made,
    ):
        for name in whole.namelist():
            array = whole.read(name)
            head, rest = array[:128], array[128:]
            made.writestr(name, rng.choice((head, mutated(rng, [head], _HEADS, 3))) + rest)
    return rng.choice((stored.getvalue(), mutated(rng, [stored.getvalue()], most=2)))


_HEADS = (
    b"'|O'", b"'<f8'", b"'<U9'", b"'|S1'", b"'<M8[ns]'", b"'<c16'", b"[('a','<f4')]", b"(-1,)",
    b"(3, 32, 32)", b"(0, 32, 32, 3)", b"(1000000000000,)", b"\x02\x00", b"\x03\x00", b"'>u2'",
    b"(" * 40, b"()", b"True",
)  # fmt: skip


def _onnx(content: bytes, _: Path) -> None:
    """Whatever ONNX's own reader finds outside must be found, also in what it only skips."""
    found = fault_of(content)
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError:
        return
    try:
        model = onnx.ModelProto.FromString(content)
    except DecodeError:
        return
    outside = any(
        each.data_location == onnx.TensorProto.EXTERNAL
        and any(entry.key == "location" for entry in each.external_data)
        for each in model.graph.initializer
    )
    assert found or not outside, "weights in another file were not noticed"


def _models() -> Sequence[bytes]:
    return [_parts()[3], *EXTERNAL]


# A graph with one tensor whose numbers are in a file called x, and with fields that readers skip
# before it: of an unknown number, and of a known number but of another type.
_TENSOR = b"\x6a\x0d\x0a\x08location\x12\x01x\x70\x01"
_GRAPH = b"\x2a" + bytes([len(_TENSOR)]) + _TENSOR
_MODEL = b"\x3a" + bytes([len(_GRAPH)]) + _GRAPH
EXTERNAL = (
    _MODEL,
    b"\x08\x0a" + _MODEL,
    b"\x9b\x06\x9c\x06" + _MODEL,
    b"\x3d\xff\xff\xff\xff" + _MODEL,
)


def _bundle_with(name: str, content: bytes, folder: Path) -> Bundle:
    """A bundle whose manifest vouches for this file."""
    path = folder / "a.slsg"
    path.mkdir(exist_ok=True)
    (path / name).write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    stage = Stage("slsg-edge train {bundle}", "", 0.0, {}, {name: digest}, {}, {})
    return Bundle(path, replace(_EMPTY, stages={"train": stage}))


_EMPTY = Manifest("toy", {}, toys.SPEC)


def _good_scores() -> Sequence[bytes]:
    scores = GoodScores(
        (GoodScore(_DIGEST, 0.25, "left-out", "monday"), GoodScore("1" * 64, 0.5, "held-out")),
        (SimulatedScore("structure", 0.01, 0.75),),
        3,
    )
    return [good_scores_file(scores)]


def _engine(content: bytes, folder: Path) -> None:
    found = fingerprint_of(Content(folder / "a.json", content))
    str(found.built_for)


def _fingerprints() -> Sequence[bytes]:
    tensor = IoTensor("frame", "uint8", (-1, 32, 32, 3))
    layers = (LayerCount("Convolution", "Half", 3),)
    options = EngineOptions("fp16", 1024, ("sm86",), (1, 1, 8))
    made = Fingerprint(
        "tensorrt", "10.3", _DIGEST, options, layers, ("a",), (tensor,), (tensor,), True, 1.5, 9, 2
    )
    return [made.to_bytes()]


TARGETS = (
    Target("manifest", _manifests, _open_manifest),
    Target("archive", lambda: [_parts()[1]], _unpack, _NAMES, _rebuilt),
    Target("golden.npz", lambda: [_parts()[2]], _golden, _HEADS, _repacked),
    Target("model.onnx", _models, _onnx),
    Target(
        "good_scores.json",
        _good_scores,
        lambda content, folder: good_scores_of(_bundle_with(GOOD_SCORES_FILE, content, folder)),
    ),
    Target(
        "data.json",
        lambda: [training_record([_DIGEST], ["1" * 64])],
        lambda content, folder: trained_on(_bundle_with(TRAINING_RECORD_FILE, content, folder)),
    ),
    Target("engine.json", _fingerprints, _engine),
)
