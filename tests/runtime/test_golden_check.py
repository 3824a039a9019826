"""A bundle's model gives its golden answers before its first verdict, or is refused."""

import re
import threading
import time

import numpy as np
import pytest
from bundles import with_file, with_threshold

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.errors import BundleError, UntrustedBundle
from slsg_edge.runtime import golden_check, judged
from slsg_edge.runtime.deadline import within, work_left_behind
from slsg_edge.scoring import Threshold

LATE = BundleError("too late", fix="none")


def other_model(toy_bundle, content):
    """Vouched for by the manifest as the whole bundle is."""
    bundle = with_file(open_bundle(toy_bundle), "model.onnx", content)
    return with_threshold(bundle, Threshold(0.5, "manual"))


@pytest.mark.parametrize("backend", ["onnxruntime-fp32", "openvino-fp32"])
def test_another_model_with_its_right_sha256_is_refused(toy_bundle, toy_model, backend):
    bundle = other_model(toy_bundle, toy_model(offset=-0.1))
    with pytest.raises(UntrustedBundle, match=r"golden frames .*map mean 1\.0e-01.*Copy"):
        judged.open_judged(bundle, backend)


def test_a_model_that_gives_no_numbers_is_refused(toy_bundle, toy_model):
    bundle = other_model(toy_bundle, toy_model(offset=float("nan")))
    with pytest.raises(UntrustedBundle, match="not all finite"):
        judged.open_judged(bundle)


def test_a_bundle_without_golden_frames_is_refused(toy_bundle):
    made = open_bundle(toy_bundle)
    model = (toy_bundle / "model.onnx").read_bytes()
    made = made.commit("export", {"model.onnx": model}, command="c", started=time.monotonic())
    with pytest.raises(BundleError, match=r"holds no golden\.npz"):
        judged.open_judged(with_threshold(made, Threshold(0.5, "manual")))


def test_a_model_that_never_ends_is_given_up(toy_bundle, monkeypatch):
    monkeypatch.setattr(golden_check, "_DEADLINE", 0.4)
    given_up = threading.Event()
    monkeypatch.setattr(judged, "open_choice", lambda *_: given_up.wait(60))
    with pytest.raises(BundleError, match=r"model\.onnx gave no answer .*damaged"):
        judged.open_judged(open_bundle(toy_bundle), "onnxruntime-fp32")
    given_up.set()


def test_work_in_time_gives_what_it_gives_and_raises_what_it_raises():
    assert within(5.0, lambda: np.arange(3).sum(), LATE) == 3
    with pytest.raises(ZeroDivisionError):
        within(5.0, lambda: 1 // 0, LATE)


def test_what_is_left_behind_is_known():
    with pytest.raises(BundleError, match="too late"):
        within(0.2, lambda: time.sleep(0.6), LATE)
    assert work_left_behind()


def test_the_messages_end_with_one_full_stop(toy_bundle, toy_model):
    bundle = other_model(toy_bundle, toy_model(offset=float("nan")))
    with pytest.raises(UntrustedBundle) as refused:
        judged.open_judged(bundle)
    assert not re.search(r"\.\.", str(refused.value))
