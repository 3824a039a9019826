"""A detector without a model, for tests of whatever stands around a detector."""

import itertools
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from slsg_edge.contracts import AnomalyMap, Image, Prediction

Answer: TypeAlias = float | BaseException
"""A score to give, or an exception to raise."""


class FakeDetector:
    """A `Detector` that answers every frame with what it was told to.

    `calls`: how many frames it was asked about. `closed`: whether `close` was called.
    """

    def __init__(
        self,
        score: Answer | Sequence[Answer] = 0.9,
        anomaly_map: AnomalyMap | None = None,
        *,
        map_shape: tuple[int, int] = (32, 32),
        name: str = "fake",
    ) -> None:
        """A sequence of scores is given in turn and starts again at its end; an exception, or one
        in the sequence, is raised.

        Without an `anomaly_map` the map has `map_shape` and is the score everywhere, or 0 where
        the score is not between 0 and 1.
        """
        answers = score if isinstance(score, Sequence) else (score,)
        if not answers:
            raise ValueError("a fake detector needs at least one score")
        self.name = name
        self.calls = 0
        self.closed = False
        self._answers = itertools.cycle(answers)
        self._map, self._map_shape = anomaly_map, map_shape

    def detect(self, frame: Image) -> Prediction:
        self.calls += 1
        answer = next(self._answers)
        if isinstance(answer, BaseException):
            raise answer
        return Prediction(self._map_for(answer), answer)

    def close(self) -> None:
        self.closed = True

    def _map_for(self, score: float) -> AnomalyMap:
        if self._map is not None:
            return self._map
        return np.full(self._map_shape, score if 0 <= score <= 1 else 0, np.float32)
