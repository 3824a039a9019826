from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from slsg_edge.bundle import Manifest, new_bundle, open_bundle
from slsg_edge.errors import BundleError, ConfigError, UntrustedBundle
from slsg_edge.preprocessing import Preprocessing, Roi
from slsg_edge.runtime.detector import open_detector


def test_the_bundle_says_how_frames_are_prepared(toy_bundle):
    bundle = open_bundle(toy_bundle)
    spec = replace(bundle.manifest.preprocessing, roi=Roi(0, 0, 8, 8))
    bundle = replace(bundle, manifest=replace(bundle.manifest, preprocessing=spec))
    frame = np.full((16, 16, 3), 255, np.uint8)
    frame[:8, :8] = 0
    with closing(open_detector(bundle)) as detector:
        assert detector.name == "onnxruntime cpu fp32"
        assert detector.detect(frame).image_score == 0


def test_an_unknown_backend_is_named_with_the_known_ones(toy_bundle):
    with pytest.raises(ConfigError, match=r"'onnxruntme'.*Did you mean 'onnxruntime'"):
        open_detector(open_bundle(toy_bundle), "onnxruntme")


def test_a_bundle_without_a_model_says_what_to_run(tmp_path):
    bundle = new_bundle(tmp_path / "x.slsg", Manifest("toy", {}, Preprocessing()))
    with pytest.raises(BundleError, match="Run: slsg-edge export"):
        open_detector(bundle)


def test_a_changed_model_is_never_loaded(toy_bundle, toy_model):
    (toy_bundle / "model.onnx").write_bytes(toy_model(offset=-0.1))
    with pytest.raises(UntrustedBundle):
        open_detector(open_bundle(toy_bundle))
