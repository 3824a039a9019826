"""A threshold into the bundle: as it was found, or as a person sets it."""

from dataclasses import replace

from slsg_edge.bundle.folder import Bundle, Manifest
from slsg_edge.bundle.plan import MODEL_FILES, threshold_stage
from slsg_edge.bundle.records import ThresholdRecord, settings_of
from slsg_edge.bundle.thresholds import own_threshold_name, threshold_of
from slsg_edge.calibration.costs import Costs
from slsg_edge.calibration.defects import counted_defects
from slsg_edge.calibration.threshold import threshold_by_hand
from slsg_edge.errors import BundleError
from slsg_edge.machine.versions import tool_versions
from slsg_edge.runtime.detector import BACKENDS, REFERENCE_BACKEND
from slsg_edge.scoring import Threshold

TOOLS = ("onnxruntime", "openvino", "tensorrt")


def moved_by_hand(bundle: Bundle, value: float, backend: str = REFERENCE_BACKEND) -> Threshold:
    """`value` as the threshold, with all the scores that the bundle has of this very model."""
    try:
        old = threshold_of(bundle, own_threshold_name(backend))
    except BundleError:
        return threshold_by_hand(value)
    return set_by_hand(value, old)


def set_by_hand(value: float, known: Threshold) -> Threshold:
    """`value`, with all that `known` is from; none of its points is chosen."""
    return replace(
        known,
        value=threshold_by_hand(value, known.good_scores).value,
        method="manual",
        false_alarm_rate=None,
        interval=None,
        points=tuple(replace(point, chosen=False) for point in known.points),
        undecided_above=None,
        chosen_by="rate",
    )


def store_threshold(
    bundle: Bundle,
    threshold: Threshold,
    command: str,
    started: float,
    backend: str = REFERENCE_BACKEND,
    costs: Costs | None = None,
) -> Bundle:
    """Commits the threshold found on the scores of `backend`; BundleError while it has no model.

    FP32 backends share one, the reference's; any other gets one of its own, which goes stale with
    the file that it runs.
    """
    own = own_threshold_name(backend)
    model = BACKENDS[backend].model(bundle) if own else bundle.file(MODEL_FILES["fp32"])
    record = ThresholdRecord(
        backend,
        threshold.method,
        images=len(threshold.good_scores),
        reviewed=len(threshold.reviewed),
        data_fingerprint=threshold.data_fingerprint,
        false_alarm_rate=threshold.false_alarm_rate,
        chosen_by=None if threshold.method == "manual" else threshold.chosen_by,
        defects=counted_defects(threshold),
        cost_miss=costs.miss if costs else None,
        cost_false_alarm=costs.false_alarm if costs else None,
        defect_rate=costs.defect_rate if costs else None,
    )
    return bundle.commit(
        threshold_stage(own),
        {},
        command=command,
        started=started,
        inputs=(model.relative_to(bundle.path).as_posix(),),
        tools=tool_versions(*TOOLS),
        settings=settings_of(record),
        update=lambda manifest: _with_threshold(manifest, threshold, own),
    )


def _with_threshold(manifest: Manifest, threshold: Threshold, own: str | None) -> Manifest:
    if own is None:
        return replace(manifest, threshold=threshold)
    return replace(manifest, thresholds={**manifest.thresholds, own: threshold})
