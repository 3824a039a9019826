"""Bundles of somebody who made the manifest fit, and what `watch` says where no key is trusted."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import toy_model_of
from numpy.lib import format as npy

Change = Callable[[Path], object]


def manifest(change: Callable[[dict[str, Any]], object]) -> Change:
    def do(bundle: Path) -> None:
        path = bundle / "manifest.json"
        table = json.loads(path.read_bytes())
        change(table)
        path.write_text(json.dumps(table))

    return do


def text(old: str, new: str) -> Change:
    """In the manifest, once."""

    def do(bundle: Path) -> None:
        path = bundle / "manifest.json"
        content = path.read_text()
        assert old in content
        path.write_text(content.replace(old, new, 1))

    return do


def raw(content: bytes) -> Change:
    return lambda bundle: (bundle / "manifest.json").write_bytes(content)


def file(name: str, content: bytes) -> Change:
    """With its right sha256 in the manifest."""

    def do(bundle: Path) -> None:
        (bundle / name).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        text_of = (bundle / "manifest.json").read_text()
        table = json.loads(text_of)
        old = table["stages"]["export"]["outputs"][name]
        (bundle / "manifest.json").write_text(text_of.replace(old, digest))

    return do


def output(name: str) -> Change:
    return manifest(lambda table: table["stages"]["export"]["outputs"].update({name: "0" * 64}))


def threshold(value: str) -> Change:
    return text('"value": 0.5', f'"value": {value}')


def npz(*members: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as stored:
        for name, content in members:
            stored.writestr(name, content)
    return buffer.getvalue()


def head(shape: tuple[int, ...], kind: str = "|u1") -> bytes:
    buffer = io.BytesIO()
    npy.write_array_header_1_0(buffer, {"descr": kind, "fortran_order": False, "shape": shape})
    return buffer.getvalue()


def golden(frames: bytes) -> Change:
    maps, scores = head((1, 4, 4), "<f4") + bytes(64), head((1,), "<f4") + bytes(4)
    members = (("frames.npy", frames), ("anomaly_map.npy", maps), ("image_score.npy", scores))
    return file("golden.npz", npz(*members))


def field(number: int, content: bytes) -> bytes:
    """Of a protobuf message."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    low, high = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + varint(high) if high else bytes([low])


def graph_with(node: bytes) -> bytes:
    return field(7, field(1, node))


EXTERNAL = field(7, field(5, field(13, b"")))
GOLDEN_BROKEN = "golden.npz holds no golden frames"
OUTSIDE = "points outside the bundle"
NO_NAME = "which is no name of one"

CONTENTS: dict[str, tuple[Change, str]] = {
    "another network": (
        lambda b: file("model.onnx", toy_model_of(offset=0.25))(b), "does not give what the"),
    "weights in another file": (file("model.onnx", EXTERNAL), "takes weights from other files"),
    "a loop without end": (
        file("model.onnx", graph_with(field(4, b"Loop"))), r"computes in loops \(Loop\)"),
    "a loop in a function": (
        file("model.onnx", field(25, field(7, field(4, b"Scan")))), r"computes in loops \(Scan\)"),
    "a graph of a million parts": (
        file("model.onnx", field(7, b"\x08\x00" * 1_000_000)), "has over 100000 parts"),
    "a model that is none": (file("model.onnx", b"\x80\x04pickle."), "is no model that"),
    "an empty model": (file("model.onnx", b""), "is no model that|fails"),
    "golden frames of 2.7 PB": (golden(head((10**9, 1000, 900, 3))), GOLDEN_BROKEN),
    "golden frames that unpack to 200 MB": (
        golden(head((1, 4, 4, 3)) + bytes(200 * 2**20)), GOLDEN_BROKEN),
    "golden frames as a pickle": (golden(head((1,), "|O") + b"\x80\x04."), GOLDEN_BROKEN),
    "golden frames as text": (file("golden.npz", b"PK"), GOLDEN_BROKEN),
    **{f"threshold {value}": (threshold(value), words) for value, words in {
        "NaN": "NaN is no number", "Infinity": "Infinity is no number",
        "-Infinity": "Infinity is no number", "1e999": "value is inf",
        '"0.5"': "threshold.value is '0.5', a str", "true": "value is True, a bool",
        "[]": "value is", "0.5, \"value\": 0.99": "the key 'value' is given twice",
    }.items()},
    "the threshold twice": (
        text('"threshold":', '"threshold": null, "threshold":'), "'threshold' is given twice"),
    **{f"a path as {name!a}": (output(name), words) for name, words in {
        "../x": OUTSIDE, "/etc/passwd": OUTSIDE, "a/../../x": OUTSIDE, "engines/../../x": OUTSIDE,
        "..\\x": OUTSIDE, "\\\\host\\x": OUTSIDE, "a/..": OUTSIDE, "//x": OUTSIDE,
        "": NO_NAME, "a\0b": NO_NAME, "a\nb": NO_NAME, "x" * 300: NO_NAME,
    }.items()},
    "a manifest of 60 MB": (raw(b"[" + b" " * 60_000_000 + b"]"), "larger than 16 MiB"),
    "a manifest of 5 million lists": (raw(b"[" + b"[]," * 5_000_000 + b"[]]"), "more than 1048576"),
    "a manifest nested deeply": (raw(b"[" * 400_000), "nested too deeply"),
    "a manifest of zeros": (raw(bytes(1000)), "is damaged"),
    "a manifest of another format": (text('"format": 1', '"format": 2'), "reads format 1"),
    "a key that nobody knows": (manifest(lambda t: t.update(run="x")), "has the key 'run'"),
    "stages that make each other": (
        manifest(lambda t: t["stages"]["export"].update(inputs={"golden.npz": "0"})),
        "are made from each other"),
    "a stage that is a list": (manifest(lambda t: t["stages"].update(export=[])), "is no table"),
    "3000 stages": (
        manifest(lambda t: t["stages"].update({str(n): {} for n in range(3000)})), "3002 stages"),
    "seconds that are none": (
        manifest(lambda t: t["stages"]["export"].update(seconds=-1)), "is no number of seconds"),
    "a threshold that is a text": (manifest(lambda t: t.update(threshold="0.5")), "is no table"),
}  # fmt: skip
