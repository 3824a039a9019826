"""The export stage: a trained bundle gets its reference graph, proved on golden frames."""

import io
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from slsg_edge.bundle import Bundle
from slsg_edge.data.layouts import good_images
from slsg_edge.data.loading import load_frames
from slsg_edge.errors import BundleError, ConfigError, ExportError
from slsg_edge.export.golden import FILE, Difference, Golden, difference
from slsg_edge.provenance import tool_versions
from slsg_edge.storage import write_atomically

if TYPE_CHECKING:
    from torch import nn

FRAMES = "frames.npz"
GOLDEN_FRAMES = 8


@dataclass(frozen=True, slots=True)
class Exported:
    """The new bundle, and how far ONNX Runtime is from torch on its golden frames."""

    bundle: Bundle
    difference: Difference
    frames: int
    megabytes: float


def export_bundle(bundle: Bundle, *, dynamic: bool, images: Path | None, command: str) -> Exported:
    """Writes model.onnx and golden.npz; ExportError when graph and network disagree."""
    from slsg_edge.export.onnx import onnx_from_model

    started = time.monotonic()
    model = trained_model(bundle)
    frames = _golden_frames(bundle, images)
    golden = _answers(model, frames)
    graph = onnx_from_model(model, bundle.manifest.preprocessing, dynamic=dynamic)
    off = _compare(golden, graph, bundle)
    if not off.within_tolerance():
        raise ExportError(
            f"The exported graph is not the trained network: {off}.",
            fix="Train longer, or report this with the bundle.",
        )
    new = bundle.commit(
        "export",
        {"model.onnx": graph, FILE: golden.to_bytes()},
        command=command,
        started=started,
        inputs=("weights.safetensors", *(() if images else (FRAMES,))),
        tools=tool_versions("torch", "onnx", "onnxscript", "onnxruntime"),
        settings={"batch": "dynamic" if dynamic else 1, "difference": str(off)},
    )
    return Exported(new, off, len(frames), len(graph) / 1e6)


def trained_model(bundle: Bundle) -> "nn.Module":
    """The bundle's network with its weights, from pixels to score, in evaluation mode."""
    from safetensors.torch import load_file

    from slsg_edge.models.registry import network_of
    from slsg_edge.models.scored import PixelsToScore

    manifest = bundle.manifest
    network = network_of(manifest.detector, manifest.spec, manifest.preprocessing)
    try:
        network.load_state_dict(load_file(bundle.file("weights.safetensors")))
    except RuntimeError as error:
        raise BundleError(
            f"{bundle.path}: the weights do not fit the network: {str(error).splitlines()[0]}",
            fix="Train again.",
        ) from error
    return PixelsToScore(network).eval()


def _golden_frames(bundle: Bundle, images: Path | None) -> NDArray[np.uint8]:
    """Those that training kept, or the first ones of a folder."""
    if images is not None:
        paths: Sequence[Path] = good_images(images)[:GOLDEN_FRAMES]
        return load_frames(paths, bundle.manifest.preprocessing)
    if not bundle.holds(FRAMES):
        raise ConfigError(
            f"{bundle.path} holds no frames to prove the export with.", fix="Give --images DIR."
        )
    content = bundle.file(FRAMES).read_bytes()
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            return np.asarray(stored["frames"], dtype=np.uint8)
    except (ValueError, KeyError, zipfile.BadZipFile) as error:
        raise BundleError(f"{bundle.path}/{FRAMES} is damaged.", fix="Train again.") from error


def _answers(model: "nn.Module", frames: NDArray[np.uint8]) -> Golden:
    """One frame at a time, as the line will ask."""
    import torch

    with torch.inference_mode():
        answers = [model(torch.from_numpy(frame[None])) for frame in frames]
    return Golden(
        frames,
        np.concatenate([anomaly_map.numpy() for anomaly_map, _ in answers]),
        np.concatenate([score.numpy() for _, score in answers]),
    )


def _compare(golden: Golden, graph: bytes, bundle: Bundle) -> Difference:
    from slsg_edge.runtime.onnxruntime import OnnxRuntimeDetector

    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        write_atomically(path, graph)
        with OnnxRuntimeDetector(path, bundle.manifest.preprocessing) as detector:
            maps, scores = detector.run(golden.frames)
    stored = bundle.manifest.threshold
    return difference(golden, maps, scores, stored.value if stored else golden.split_threshold())
