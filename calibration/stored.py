"""What a bundle holds about calibration: its threshold, and which images it was trained on."""

import dataclasses
import json
from dataclasses import dataclass

from slsg_edge.bundle import Bundle
from slsg_edge.calibration.threshold import threshold_by_hand
from slsg_edge.errors import BundleError, UntrustedBundle
from slsg_edge.provenance import tool_versions
from slsg_edge.scoring import Threshold

STAGE = "calibrate"
RECORD = "data.json"


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """sha256 of the images that `train` learned from, and of those it held out."""

    train: frozenset[str]
    holdout: frozenset[str]


def threshold_of(bundle: Bundle) -> Threshold:
    """The threshold; BundleError when there is none, StaleBundle when the model has changed."""
    threshold = bundle.manifest.threshold
    if threshold is None or STAGE not in bundle.manifest.stages:
        raise BundleError(
            f"{bundle.path} has no threshold yet.",
            fix=f"Run: slsg-edge calibrate {bundle.path} --images DIR",
        )
    bundle.require_fresh(STAGE)
    return threshold


def store_threshold(bundle: Bundle, threshold: Threshold, command: str, started: float) -> Bundle:
    """Commits the stage `calibrate`; BundleError while there is no model to have a threshold."""
    return bundle.commit(
        STAGE,
        {},
        command=command,
        started=started,
        inputs=("model.onnx",),
        tools=tool_versions("onnxruntime"),
        settings={
            "method": threshold.method,
            "images": len(threshold.good_scores),
            "data_fingerprint": threshold.data_fingerprint,
            "false_alarm_rate": threshold.false_alarm_rate,
        },
        threshold=threshold,
    )


def moved_by_hand(bundle: Bundle, value: float) -> Threshold:
    """`value` as the threshold, with the good scores that the bundle has of this very model."""
    try:
        old = threshold_of(bundle)
    except BundleError:
        return threshold_by_hand(value)
    found = threshold_by_hand(value, old.good_scores)
    return dataclasses.replace(found, data_fingerprint=old.data_fingerprint, tail=old.tail)


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
