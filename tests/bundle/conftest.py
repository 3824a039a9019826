"""A bundle after each of its first stages."""

import pytest
from bundles import commit

from slsg_edge.bundle.folder import Manifest, new_bundle
from slsg_edge.preprocessing import Preprocessing, Roi
from slsg_edge.scoring import Tail, Threshold

PREPROCESSING = Preprocessing(128, 96, "letterbox", Roi(1, 2, 30, 40))
THRESHOLD = Threshold(
    0.4, "tail", 0.001, (0.3, 0.5), (0.1, 0.2), Tail(-2.0, 0.5, 0.1, 0.2), data_fingerprint="ab"
)


@pytest.fixture
def trained(tmp_path):
    manifest = Manifest("slsg", {"variant": "edge", "depth": 3}, PREPROCESSING)
    bundle = new_bundle(tmp_path / "x.slsg", manifest)
    return commit(bundle, "train", {"weights.safetensors": b"weights", "data.json": b"{}"})


@pytest.fixture
def exported(trained):
    return commit(trained, "export", {"model.onnx": b"graph"}, inputs=("weights.safetensors",))


@pytest.fixture
def whole(exported):
    return commit(
        exported, "calibrate", {}, inputs=("model.onnx",), changes={"threshold": THRESHOLD}
    )
