"""Scores of good images that the trained network did not learn from, and of anomalies in them."""

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch

from slsg_edge.bundle.good_scores import GoodScore, GoodScores, How
from slsg_edge.contracts import Image, SimulatedScore
from slsg_edge.images import Look
from slsg_edge.models.network import Network
from slsg_edge.models.recipe import TrainingContext
from slsg_edge.models.scored import PixelsToScore
from slsg_edge.progress import progress
from slsg_edge.synthesis.simulated import SimulatedSet
from slsg_edge.training.material import Material, store_held_out
from slsg_edge.training.out_of_sample import OutOfSample

NOTHING = OutOfSample({}, ())


def scores_of_held_out(
    network: Network,
    context: TrainingContext[Any],
    material: Material,
    folder: Path,
    looks: list[Look] | None = None,
    *,
    anomalies: bool = True,
) -> OutOfSample:
    """By the network that ships: of the images that are held out, and of anomalies in them.

    folder: where they are stored at model resolution for the while. looks: takes the look of each.
    anomalies: whether any are simulated, which takes several times as long as the images alone.
    """
    if not material.held_out:
        return NOTHING
    frames = store_held_out(material, folder, context.settings.preprocessing, looks)
    simulated = dataclasses.replace(context.simulated(), images=frames)
    if not anomalies:
        simulated = dataclasses.replace(simulated, wanted=0)
    images, place = range(len(frames)), context.device.place
    return scores_of_images(network, place, simulated, images, "scoring images held out")


def scores_of_images(
    network: Network,
    place: torch.device,
    simulated: SimulatedSet,
    images: Sequence[int],
    what: str,
) -> OutOfSample:
    """By `network`, of these of the images that anomalies are simulated in, and of the anomalies.

    what: for the progress bar.
    """
    model = PixelsToScore(network).eval().to(place)

    @torch.inference_mode()
    def score(frame: Image) -> float:
        return float(model(torch.from_numpy(frame[None]).to(place))[1])

    good: dict[int, float] = {}
    anomalies: list[SimulatedScore] = []
    with progress(what, len(images)) as advance:
        for image in images:
            good[image] = score(simulated.images[image])
            anomalies += simulated.scored(image, score)
            advance()
    return OutOfSample(good, tuple(anomalies))


def good_scores(
    material: Material, left_out: OutOfSample, held_out: OutOfSample, folds: int = 0
) -> GoodScores:
    """Of images that were learned from, each by what the others came to, and of those held out.

    folds: by how many trainings the former were scored; 0 where the statistics leave out exactly.

    Anomalies are those in the former, where there are any: the detector that ships knows as much.
    """
    return GoodScores(
        (
            *_named(material, material.train, left_out, "left-out"),
            *_named(material, material.holdout, held_out, "held-out"),
        ),
        left_out.simulated or held_out.simulated,
        folds,
    )


def _named(
    material: Material, hashes: tuple[str, ...], scores: OutOfSample, how: How
) -> Iterable[GoodScore]:
    """Each content once."""
    by_content = {hashes[image]: score for image, score in scores.good.items()}
    for digest, score in by_content.items():
        yield GoodScore(digest, score, how, material.acquisitions[digest])
