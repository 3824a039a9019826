"""How many simulated anomalies one core makes in a second at 256x256.

Process time on one OpenCV thread, so that other work on the machine does not count.
"""

import importlib.util
import time

import numpy as np

from slsg_edge.contracts import Image
from slsg_edge.machine.host import one_opencv_thread
from slsg_edge.preprocessing import resize
from slsg_edge.synthesis.anomalies import AnomalySimulator, Simulator
from slsg_edge.synthesis.settings import REFERENCE_SIDE, SynthesisSettings
from slsg_edge.synthesis.textures import ProceduralTextures

SIMULATED = 100  # anomalies


def cut_paste_rate(image: Image) -> float:
    """Of the simulator that most detectors learn from, by its default rules."""
    return pairs_per_second(AnomalySimulator(SynthesisSettings(), ProceduralTextures()), image)


def own_rate(detector: str, image: Image) -> float | None:
    """Of the detector's own simulator, by its default rules; None where it is not known here.

    A line PC has no PyTorch, and so no detector's training.
    """
    if importlib.util.find_spec("torch") is None:
        return None
    from slsg_edge.models.registry import DETECTORS

    if detector not in DETECTORS:
        return None
    settings = DETECTORS[detector].settings()
    return pairs_per_second(settings.simulator(ProceduralTextures()), image)


def pairs_per_second(simulator: Simulator, image: Image) -> float:
    """Pairs of a good image and a simulated anomaly, from `image` of any size."""
    frame = resize(image, REFERENCE_SIDE, REFERENCE_SIDE)
    with one_opencv_thread():
        started = time.process_time()
        for seed in range(SIMULATED):
            rng = np.random.default_rng(seed)
            simulator.anomalous(rng, simulator.normal(rng, frame), frame)
        return SIMULATED / (time.process_time() - started)
