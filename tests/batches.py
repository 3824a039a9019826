"""A detector that takes batches and says what it was given, and cameras that wait together."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from slsg_edge.contracts import Prediction
from slsg_edge.errors import CameraError
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.runtime.batching import SharedDetector

SPEC = Preprocessing(32, 32)


class Batches:
    """A `BatchDetector` whose score is the first pixel; it holds on while `gate` is shut."""

    name = "batches"

    def __init__(self, largest: int = 4) -> None:
        self.largest_batch = largest
        self.sizes: list[int] = []
        self.threads: set[str] = set()
        self.gate, self.entered = threading.Event(), threading.Semaphore(0)
        self.gate.set()

    def detect_batch(self, frames):
        self.entered.release()
        self.gate.wait(10)
        self.threads.add(threading.current_thread().name)
        self.sizes.append(len(frames))
        if any(frame.shape[0] != 4 for frame in frames):
            raise CameraError("odd frame", fix="")
        if any(frame[0, 0, 0] == 255 for frame in frames):
            raise ValueError("a bug")
        return [Prediction(frame[..., 0] * 1.0, float(frame[0, 0, 0])) for frame in frames]

    def close(self):
        self.threads.add(threading.current_thread().name)


def frame(value: int, side: int = 4) -> np.ndarray:
    return np.full((side, 4, 3), value, np.uint8)


def waiting_together(batches: Batches, shared: SharedDetector, given: list) -> list:
    """The answers, or errors, when all of `given` wait while a first frame is in work."""
    batches.gate.clear()
    with ThreadPoolExecutor(len(given) + 1) as pool:
        first = pool.submit(shared.detect, frame(0))
        batches.entered.acquire()
        rest = [pool.submit(shared.detect, image) for image in given]
        while shared._waiting.qsize() < len(given):
            pass
        batches.gate.set()
        assert first.result().image_score == 0
        return [future.exception() or future.result().image_score for future in rest]
