"""Anomalies simulated by the rules that a bundle was trained with, at model resolution."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.records import train_record_of
from slsg_edge.config import settings_from_table, without_none
from slsg_edge.contracts import Image, SimulatedScore
from slsg_edge.runtime.detector import GraphDetector
from slsg_edge.synthesis.anomalies import AnomalySimulator, Simulator
from slsg_edge.synthesis.fractal_patches import FractalSettings, FractalSimulator
from slsg_edge.synthesis.settings import SynthesisSettings
from slsg_edge.synthesis.simulated import SimulatedSet, anomaly_kinds
from slsg_edge.synthesis.textures import ProceduralTextures


def synthesis_settings_of(bundle: Bundle) -> SynthesisSettings:
    """As `train` recorded them; else the defaults."""
    recorded = train_record_of(bundle).settings.get("synthesis")
    if not isinstance(recorded, dict):
        return SynthesisSettings()
    where = f"{bundle.path}: train.synthesis"
    return settings_from_table(SynthesisSettings, without_none(recorded), where)


def kinds_of_bundle(bundle: Bundle) -> Mapping[str, Simulator]:
    """What draws each kind: by the product's own rules, and as another detector does."""
    textures, synthesis = ProceduralTextures(), synthesis_settings_of(bundle)
    recorded = train_record_of(bundle).settings.get("fractal")
    if not isinstance(recorded, dict):
        return anomaly_kinds(AnomalySimulator(synthesis, textures), synthesis, textures)
    rules = settings_from_table(FractalSettings, recorded, f"{bundle.path}: train.fractal")
    return anomaly_kinds(FractalSimulator(rules), synthesis, textures)


def simulated_scores(
    bundle: Bundle, detector: GraphDetector, frames: NDArray[np.uint8]
) -> tuple[SimulatedScore, ...]:
    """Of anomalies in good `frames` (N, H, W, 3); the same frames give the same anomalies."""
    drawn = SimulatedSet(frames, kinds_of_bundle(bundle))

    def score(frame: Image) -> float:
        return float(detector.run(frame[None])[1][0])

    return tuple(each for image in range(len(frames)) for each in drawn.scored(image, score))
