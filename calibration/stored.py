"""What a bundle holds about calibration: its threshold, and which images it was trained on."""

import dataclasses
import json
from dataclasses import dataclass

from slsg_edge.bundle.folder import MODEL_FILES, Bundle
from slsg_edge.bundle.thresholds import stage_of, threshold_of
from slsg_edge.calibration.threshold import threshold_by_hand
from slsg_edge.errors import BundleError, UntrustedBundle
from slsg_edge.machine.versions import tool_versions
from slsg_edge.runtime.detector import BACKENDS, REFERENCE
from slsg_edge.scoring import Threshold

RECORD = "data.json"
TOOLS = ("onnxruntime", "openvino", "tensorrt")


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """sha256 of the images that `train` learned from, and of those it held out."""

    train: frozenset[str]
    holdout: frozenset[str]


def store_threshold(
    bundle: Bundle,
    threshold: Threshold,
    command: str,
    started: float,
    backend: str = REFERENCE,
) -> Bundle:
    """Commits the threshold found on the scores of `backend`; BundleError while it has no model.

    FP32 backends share one, the reference's; any other gets one of its own, which goes stale with
    the file that it runs.
    """
    own = own_threshold_name(backend)
    model = BACKENDS[backend].model(bundle) if own else bundle.file(MODEL_FILES["fp32"])
    return bundle.commit(
        stage_of(own),
        {},
        command=command,
        started=started,
        inputs=(model.relative_to(bundle.path).as_posix(),),
        tools=tool_versions(*TOOLS),
        settings={
            "backend": backend,
            "method": threshold.method,
            "images": len(threshold.good_scores),
            "reviewed": len(threshold.reviewed),
            "data_fingerprint": threshold.data_fingerprint,
            "false_alarm_rate": threshold.false_alarm_rate,
        },
        **_changes(bundle, threshold, own),
    )


def _changes(bundle: Bundle, threshold: Threshold, own: str | None) -> dict[str, object]:
    if own is None:
        return {"threshold": threshold}
    return {"thresholds": {**bundle.manifest.thresholds, own: threshold}}


def own_threshold_name(backend: str) -> str | None:
    """Under which name its threshold is stored: none for FP32, which has the reference's."""
    return None if BACKENDS[backend].precision == "fp32" else backend


def moved_by_hand(bundle: Bundle, value: float, backend: str = REFERENCE) -> Threshold:
    """`value` as the threshold, with the good scores that the bundle has of this very model."""
    try:
        old = threshold_of(bundle, own_threshold_name(backend))
    except BundleError:
        return threshold_by_hand(value)
    found = threshold_by_hand(value, old.good_scores)
    return dataclasses.replace(
        found,
        data_fingerprint=old.data_fingerprint,
        tail=old.tail,
        images=old.images,
        reviewed=old.reviewed,
    )


def trained_on(bundle: Bundle) -> TrainedOn | None:
    """None for a bundle whose images are not known, as after `import-slsg`."""
    if not bundle.holds(RECORD):
        return None
    path = bundle.file(RECORD)
    try:
        record = json.loads(path.read_bytes())
        return TrainedOn(frozenset(record["train"]), frozenset(record["holdout"]))
    except (ValueError, KeyError, TypeError) as error:
        raise UntrustedBundle(
            f"{path} is damaged: {error}.", fix="Copy the bundle again."
        ) from error
