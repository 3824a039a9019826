"""Scores of every good image by trainings that did not see it: one training for each fold.

Each begins where the whole training began, with the same settings, seed and steps, and learns
from all images but its fold. To go on from the trained network would be quicker and wrong: it has
learned the fold, and a few steps without it do not make it forget.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from slsg_edge.contracts import SimulatedScore
from slsg_edge.models.recipe import Notify, TrainingContext
from slsg_edge.models.registry import detector_of, recipe_of, untrained_network
from slsg_edge.stages.good_scores import NOTHING, scores_of_images
from slsg_edge.stages.phases import run_phases
from slsg_edge.training.checkpoint import RunFolder
from slsg_edge.training.device import TrainingDevice
from slsg_edge.training.expected import Forecast
from slsg_edge.training.folds import ENOUGH
from slsg_edge.training.loop import Phase
from slsg_edge.training.out_of_sample import OutOfSample, joined


@dataclass(frozen=True, slots=True)
class Folds:
    """What the trainings share.

    folds: the images of each. context: of the whole training. initial: the weights that it began
    with. device: makes one for each training.
    """

    folds: Sequence[Sequence[int]]
    context: TrainingContext[Any]
    initial: Mapping[str, Tensor]
    device: Callable[[], TrainingDevice]
    run: RunFolder

    def scores(self, forecast: Forecast, *, resume: bool) -> OutOfSample:
        """Of all images and of anomalies in them; what is done already is not done again."""
        alone = dataclasses.replace(forecast, folds=0, quicker="")
        return joined([self._of_fold(number, alone, resume) for number in range(len(self.folds))])

    def _of_fold(self, number: int, forecast: Forecast, resume: bool) -> OutOfSample:
        which = f"fold {number + 1} of {len(self.folds)}"
        kept, done = _FoldScores(), f"scores of {which}"
        if resume and self.run.restore(done, {"scores": kept})[0]:
            return kept.found
        context = self._without(number)
        out = len(self.folds[number])
        forecast.notify(f"{which}: {len(context.frames)} images to train on, {out} left out.")
        kept.found = self._trained(number, context, which, forecast, resume)
        self.run.save(done, 1, {"scores": kept}, [])
        self.run.clear(f", {which}")
        return kept.found

    def _without(self, number: int) -> TrainingContext[Any]:
        out = set(self.folds[number])
        rest = [image for image in range(len(self.context.frames)) if image not in out]
        frames = self.context.frames.only(rest)
        return dataclasses.replace(self.context, frames=frames, device=self.device())

    def _trained(
        self,
        number: int,
        context: TrainingContext[Any],
        which: str,
        forecast: Forecast,
        resume: bool,
    ) -> OutOfSample:
        settings = context.settings
        torch.manual_seed(settings.seed)  # what phases draw is what the whole training drew
        network = untrained_network(settings)
        network.load_state_dict(self.initial)
        phases = recipe_of(detector_of(settings)).phases(network, context)
        named = [functools.partial(_named, make, which) for make in phases]
        workers, chart = context.device.workers, f"losses, {which}.png"
        run_phases(named, self.run, workers, forecast, resume=resume, chart=chart)
        images, place = self.folds[number], context.device.place
        return scores_of_images(
            network, place, self.context.simulated(), images, f"scores, {which}"
        )


class _FoldScores:
    """A part of a checkpoint."""

    def __init__(self) -> None:
        self.found = NOTHING

    def state_dict(self) -> dict[str, Any]:
        anomalies = [dataclasses.asdict(each) for each in self.found.simulated]
        return {"good": dict(self.found.good), "simulated": anomalies}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        anomalies = tuple(SimulatedScore(**each) for each in state["simulated"])
        self.found = OutOfSample(state["good"], anomalies)


def _named(make: Callable[[], Phase], which: str) -> Phase:
    phase = make()
    return dataclasses.replace(phase, name=f"{phase.name}, {which}")


def announce(count: int, notify: Notify) -> None:
    """What folds cost, before anything is trained."""
    notify(
        f"--folds {count}: {count} more trainings follow, each as long as the first, so all takes "
        f"about {count + 1} times as long. Nothing is held out."
    )
    if count < ENOUGH:
        share = 100 * (count - 1) / count
        notify(
            f"Warning: with {count} folds each of them learns from about {share:.0f} % of the "
            "images, and what has learned from few scores new good parts too high, and so does the "
            f"threshold found from that. Take --folds {ENOUGH} or more."
        )
