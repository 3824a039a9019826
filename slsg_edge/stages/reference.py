"""What others are compared with: the trained network, and a graph as ONNX Runtime runs it."""

import copy
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.golden import Difference, Golden, difference
from slsg_edge.bundle.plan import WEIGHTS_FILE
from slsg_edge.contracts import Answers
from slsg_edge.errors import BundleError

if TYPE_CHECKING:
    from torch import nn

    from slsg_edge.models.scored import PixelsToScore


def trained_model(bundle: Bundle) -> "PixelsToScore":
    """The bundle's network with its weights, from pixels to score, in evaluation mode."""
    from slsg_edge.models.registry import network_of
    from slsg_edge.models.scored import PixelsToScore
    from slsg_edge.training.weight_files import read_state_dict

    manifest = bundle.manifest
    network = network_of(manifest.detector, manifest.spec, manifest.preprocessing)
    weights = read_state_dict(bundle.file(WEIGHTS_FILE), fix="Train again.")
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise BundleError(
            f"{bundle.path}: the weights do not fit the network: {str(error).splitlines()[0]}",
            fix="Train again.",
        ) from error
    return PixelsToScore(network).eval()


def torch_answers(model: "nn.Module", frames: NDArray[np.uint8]) -> Golden:
    """What the network itself says, one frame at a time, as the line will ask."""
    import torch

    with torch.inference_mode():
        answers = [model(torch.from_numpy(frame[None])) for frame in frames]
    return Golden(
        frames,
        np.concatenate([anomaly_map.numpy() for anomaly_map, _ in answers]),
        np.concatenate([score.numpy() for _, score in answers]),
    )


def rounding_of(model: "PixelsToScore", golden: Golden, threshold: float) -> Difference | None:
    """How far the network is from itself in FP64; None of a network that has no FP64."""
    import torch

    exact = copy.deepcopy(model).double()
    try:
        with torch.inference_mode():
            answers = [exact(torch.from_numpy(frame[None])) for frame in golden.frames]
    except RuntimeError:  # it mixes types
        return None
    maps, scores = (
        np.concatenate([part.to(torch.float32).numpy() for part in parts])
        for parts in zip(*answers, strict=True)
    )
    return difference(golden, maps, scores, threshold)


def run_graph(graph: bytes, frames: NDArray[np.uint8], bundle: Bundle) -> Answers:
    """Maps and scores that ONNX Runtime gives for a serialised graph."""
    from slsg_edge.runtime.onnxruntime import OnnxRuntimeDetector

    with OnnxRuntimeDetector(graph, bundle.manifest.preprocessing) as detector:
        return detector.run(frames)
