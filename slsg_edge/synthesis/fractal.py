"""Masks in the shape of fractals: attractors of random iterated function systems (FractalAD).

A system is two contractions of the plane (Barnsley 1988); its attractor is drawn by the chaos
game, with many points on their way at once. Knows nothing about images.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from slsg_edge.contracts import Mask

Floats = NDArray[np.float64]

MAPS = 2
# Of all maps together, s1 + 2 s2 of their singular values: below lies dust, above a full square
# (FractalAD's fag.py, (5 + n) / 2 to (6 + n) / 2 for n maps).
FULLNESS = (3.5, 4.0)
LARGEST_FULLNESS = 3.0  # of one map: both singular values 1
POINTS = 100_000
CHAINS = 2000
# From a fixed point, which lies on the attractor, until the chains have spread over it.
WARM_UP = 16
STAMP = 3  # pixels a side


@dataclass(frozen=True, slots=True)
class FunctionSystem:
    """x -> matrices[k] x + offsets[k], with map k drawn at probabilities[k].

    (K, 2, 2), (K, 2) and (K,).
    """

    matrices: Floats
    offsets: Floats
    probabilities: Floats


def draw_system(rng: np.random.Generator) -> FunctionSystem:
    """Each map turns, shrinks two axes, mirrors at times, turns again and moves."""
    singular = _singular_values(rng)
    before, after = _turns(rng.uniform(-np.pi, np.pi, (2, MAPS)))
    signs = rng.choice((-1.0, 1.0), (MAPS, 1, 2))
    matrices = after @ (singular[..., None] * before) * signs
    # a flat map is drawn once in a while too: its part of the attractor is a line
    areas = np.maximum(singular.prod(1), 0.01)
    return FunctionSystem(matrices, rng.uniform(-1, 1, (MAPS, 2)), areas / areas.sum())


def attractor(rng: np.random.Generator, system: FunctionSystem, points: int) -> Floats:
    """(2, N) with N at least `points`: x and y of random points on the attractor."""
    steps = WARM_UP + -(-points // CHAINS)
    chosen = (rng.random((steps, CHAINS)) > system.probabilities[0]).astype(np.intp)
    matrices = np.moveaxis(system.matrices, 0, -1)  # (2, 2, K)
    fixed = np.linalg.solve(np.eye(2) - system.matrices[0], system.offsets[0])
    place = np.repeat(fixed[:, None], CHAINS, 1)
    visited = np.empty((steps - WARM_UP, 2, CHAINS))
    for step, maps in enumerate(chosen):  # 66 times, whatever the number of points
        matrix = matrices[..., maps]
        place = matrix[:, 0] * place[0] + matrix[:, 1] * place[1] + system.offsets.T[:, maps]
        if step >= WARM_UP:
            visited[step - WARM_UP] = place
    return visited.swapaxes(0, 1).reshape(2, -1)


def fractal_mask(rng: np.random.Generator, side: int, points: int = POINTS) -> Mask:
    """(side, side): the attractor stretched to fill it, each point a dot of random shape."""
    places = attractor(rng, draw_system(rng), points)
    low, high = places.min(1, keepdims=True), places.max(1, keepdims=True)
    cells = ((places - low) * ((side - 1) / np.maximum(high - low, 1e-9))).astype(np.intp)
    drawn = np.zeros(side * side, np.uint8)
    drawn[cells[1] * side + cells[0]] = 1
    stamp = (rng.random((STAMP, STAMP)) < 0.5).astype(np.uint8)
    stamp[STAMP // 2, STAMP // 2] |= not stamp.any()
    return np.asarray(cv2.dilate(drawn.reshape(side, side), stamp) > 0)


def _singular_values(rng: np.random.Generator) -> Floats:
    """(MAPS, 2), 1 > s1 >= s2 >= 0: a drawn fullness dealt out to both maps, then to both axes."""
    total = rng.uniform(*FULLNESS)
    share = rng.uniform(total - LARGEST_FULLNESS, LARGEST_FULLNESS)
    fullness = np.array((share, total - share))
    smaller = rng.uniform(np.maximum(0.0, (fullness - 1) / 2), fullness / 3)
    return np.stack((fullness - 2 * smaller, smaller), 1)


def _turns(angles: Floats) -> Floats:
    """(..., 2, 2) of angles (...)."""
    rows = ((np.cos(angles), -np.sin(angles)), (np.sin(angles), np.cos(angles)))
    return np.stack([np.stack(row, -1) for row in rows], -2)
