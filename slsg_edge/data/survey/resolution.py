"""Findings on the size of images: what a detector sees of them at its own resolution."""

from collections.abc import Callable, Mapping
from pathlib import Path

from slsg_edge.data.dataset import Dataset
from slsg_edge.data.survey.facts import ImageFacts
from slsg_edge.data.survey.finding import Finding, finding, shown

SEEN = 256  # pixels a side: the resolution of every detector by default
LEAST = 32  # pixels a side, below which a picture holds next to nothing
COARSEST = 16  # pixels in a row that become one: a scratch of a few is gone
LONGEST = SEEN * COARSEST


def resolution_findings(dataset: Dataset, facts: Mapping[Path, ImageFacts]) -> list[Finding]:
    return [
        *finding(
            "warning",
            "tiny-images",
            f"Images with fewer than {LEAST} pixels on a side: blown up, they show nothing more",
            _texts(dataset, facts, lambda image: min(image.width, image.height) < LEAST),
            "Give the photos as the camera takes them.",
        ),
        *finding(
            "note",
            "coarse-images",
            f"Images of which a detector at {SEEN}x{SEEN} sees more than {COARSEST} pixels in a "
            "row as one, so that small defects vanish",
            _texts(dataset, facts, lambda image: max(image.width, image.height) > LONGEST),
            "Train with a larger --size, or on a part of the frame (--roi), or cut them up.",
        ),
    ]


def _texts(
    dataset: Dataset, facts: Mapping[Path, ImageFacts], odd: Callable[[ImageFacts], bool]
) -> list[str]:
    return [
        f"{shown(image.path, dataset.folder)}, {image.size}"
        for image in facts.values()
        if odd(image)
    ]
