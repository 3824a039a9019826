"""What to give instead of a training that takes long."""

import shlex
from pathlib import Path

from slsg_edge.models.names import QUICKEST_DETECTOR
from slsg_edge.models.registry import detector_of
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.training.settings import Resources, TrainSettings


def quicker_command(data: Path, output: Path, settings: TrainSettings, resources: Resources) -> str:
    """Of a training that takes about a minute, on the same part of the same images.

    Into a bundle of its own: the run folder of `output` holds what it stopped at. Empty where
    nothing is quicker.
    """
    if detector_of(settings) == QUICKEST_DETECTOR:
        return ""
    target = output.with_name(f"{output.stem}-{QUICKEST_DETECTOR}{output.suffix}")
    words = ["slsg-edge", "train", str(data), "-o", str(target), "--detector", QUICKEST_DETECTOR]
    plain = Resources()
    if resources.backbone_weights != plain.backbone_weights:
        words += ["--backbone-weights", resources.backbone_weights]
    if resources.device != plain.device:
        words += ["--device", resources.device]
    return shlex.join([*words, *_seen(settings.preprocessing)])


def _seen(preprocessing: Preprocessing) -> list[str]:
    """The options that make another detector see the same part at the same resolution."""
    plain, words = Preprocessing(), []
    for key in ("height", "width", "fit"):
        value = getattr(preprocessing, key)
        if value != getattr(plain, key):
            words += ["--set", f"preprocessing.{key}={value}"]
    if preprocessing.depth is not None:
        words += ["--set", f"preprocessing.depth={preprocessing.depth}"]
    if preprocessing.roi is not None:
        words += ["--roi", str(preprocessing.roi)]
    return words
