"""Which detector a product wants: the quick ones are trained and compared without a test image.

They are ranked on good images that none of them was trained on and on anomalies simulated in
those. That favours whoever learns from such anomalies, so it is a start and no proof: only
`eval` on real defects is one.
"""

import copy
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from slsg_edge.bundle.commands import BUNDLE, command_for
from slsg_edge.bundle.folder import Bundle, check_name
from slsg_edge.bundle.plan import TRAIN_STAGE
from slsg_edge.config import read_toml, require
from slsg_edge.data.layouts import read_dataset
from slsg_edge.data.loading import depth_of
from slsg_edge.errors import ConfigError
from slsg_edge.metrics.differences import delong_change
from slsg_edge.metrics.intervals import Figure, delong, delong_figure
from slsg_edge.models.recipe import Notify, no_trial
from slsg_edge.models.registry import DETECTORS
from slsg_edge.progress import progress
from slsg_edge.runtime.detector import GraphDetector, choose, open_choice
from slsg_edge.stages.export import export_bundle
from slsg_edge.stages.settings import merged_settings, put
from slsg_edge.stages.train import train
from slsg_edge.stages.validation_set import (
    ValidationSet,
    held_out_images,
    stored_validation_set,
)
from slsg_edge.training.checkpoints import unfinished
from slsg_edge.training.device import device_from_name
from slsg_edge.training.material import texture_photos
from slsg_edge.training.run_lock import exclusive_run, require_free
from slsg_edge.training.settings import (
    Resources,
    TrainSettings,
    require_textures_used,
    usable_resources,
)

_TrialSettings: TypeAlias = tuple[TrainSettings, bool]
"""Of one detector, and whether its training was cut for the trial."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One detector on the held-out images.

    detector: its name.
    bundle: what its trial left.
    auroc: on good images and simulated anomalies.
    seconds: of training.
    milliseconds: a frame, the median.
    backend: that the frames ran on.
    shortened: it was trained in fewer steps or on fewer images than the whole training takes.
    """

    detector: str
    bundle: Bundle
    auroc: Figure
    seconds: float
    milliseconds: float
    backend: str
    shortened: bool


@dataclass(frozen=True, slots=True)
class DetectorChoice:
    """What was compared and taken.

    candidates: every detector that was tried.
    chosen: the fastest of those that are not significantly worse than the best.
    reason: why it, as the end of a sentence.
    good: how many held-out images it was compared on.
    simulated: on how many anomalies.
    """

    candidates: tuple[Candidate, ...]
    chosen: Candidate
    reason: str
    good: int
    simulated: int


@dataclass(frozen=True, slots=True)
class _TrialRuns:
    """Where the trainings of the candidates lie, and what they have in common."""

    data: Path
    output: Path
    resources: Resources
    command: str
    notify: Notify

    @property
    def folder(self) -> Path:
        return self.output.with_suffix(".trials")

    def run(self, detector: str, settings: TrainSettings) -> Bundle:
        """Trained and exported; goes on where it was stopped, and is not done twice."""
        path = self.folder / f"{detector}.slsg"
        bundle = train(
            self.data,
            path,
            settings,
            usable_resources(self.resources, settings),
            command=self.command,
            resume=path.exists() or unfinished(path.with_suffix(".run")),
            notify=self.notify,
        )
        command = f"slsg-edge export {BUNDLE}"
        return export_bundle(bundle, dynamic=False, images=None, command=command).bundle


def train_best(
    data: Path,
    output: Path,
    files: Sequence[Path],
    options: Mapping[str, Any],
    resources: Resources,
    *,
    command: str,
    notify: Notify,
) -> DetectorChoice:
    """Picks a detector and leaves it, fully trained, in the bundle `output`, which must be new.

    Trials stay in a folder beside it. ConfigError when `output` exists or a setting is not for
    every detector; DatasetError when too few good images are held out; and what training raises.
    """
    check_name(output)
    require(not output.exists(), f"{output} exists already.", "Give a new name, or delete it.")
    trials = _TrialRuns(data, output, resources, command, notify)
    options = _with_depth(data, files, options)
    pick = _pick(trials, files, options)
    if pick.chosen.shortened:
        notify(f"{pick.chosen.detector}: the whole training ...")
        settings = merged_settings(pick.chosen.detector, files, options)
        resumed = unfinished(output.with_suffix(".run"))
        usable = usable_resources(resources, settings)
        train(data, output, settings, usable, command=command, resume=resumed, notify=notify)
    else:
        # what came after the training is quickly done again, with the user's own choices
        pick.chosen.bundle.copy_stage(TRAIN_STAGE, output)
    return pick


def _with_depth(data: Path, files: Sequence[Path], options: Mapping[str, Any]) -> Mapping[str, Any]:
    """All see the images with the depth that they have, unless somebody gave another."""
    tables = [table.get("preprocessing") for table in (options, *map(read_toml, files))]
    if any(isinstance(table, Mapping) and "depth" in table for table in tables):
        return options
    dataset = read_dataset(data)
    good = (*dataset.of("train", good=True), *dataset.of("validation", good=True))
    depth = depth_of([sample.image for sample in good])
    changed = copy.deepcopy(dict(options))
    put(changed, "preprocessing.depth", depth)
    return changed


def _pick(trials: _TrialRuns, files: Sequence[Path], options: Mapping[str, Any]) -> DetectorChoice:
    """Trains the quick detectors and compares them."""
    require_free(trials.folder)
    device = device_from_name(trials.resources.device, trials.resources.workers).place.type
    quick = _quick_detectors(files, options, device)
    # all have the same holdout, resolution and rules of synthesis
    shared = next(iter(quick.values()))[0]
    held_out = held_out_images(trials.data, shared)
    require_textures_used(trials.resources, shared.synthesis.takes_textures, "the comparison")
    photos = texture_photos(trials.resources.textures)
    with (
        exclusive_run(trials.folder, command_for(trials.command, trials.output)),
        stored_validation_set(held_out, photos, shared, trials.folder) as validation,
    ):
        return _compared(trials, quick, validation)


def _compared(
    trials: _TrialRuns, quick: Mapping[str, _TrialSettings], validation: ValidationSet
) -> DetectorChoice:
    candidates, scores = [], []
    for detector, (settings, shortened) in quick.items():
        how = "a short training" if shortened else "training"
        trials.notify(f"{detector}: {DETECTORS[detector].summary} Now {how} ...")
        bundle = trials.run(detector, settings)
        candidate, its_scores = _evaluated(bundle, detector, validation, shortened)
        candidates.append(candidate)
        scores.append(its_scores)
    chosen, reason = _decide(candidates, np.stack(scores), validation.labels)
    simulated = int(validation.labels.sum())
    good = len(validation.labels) - simulated
    return DetectorChoice(tuple(candidates), chosen, reason, good, simulated)


def _quick_detectors(
    files: Sequence[Path], options: Mapping[str, Any], device: str
) -> dict[str, _TrialSettings]:
    """The settings of its trial by detector; one that takes too long has none."""
    quick = {}
    for detector, recipe in DETECTORS.items():
        if recipe.trial is no_trial:
            continue
        try:
            settings = merged_settings(detector, files, options)
        except ConfigError as error:
            raise ConfigError(
                f"{detector}: {error.what}",
                fix=f"{error.fix} A choice among detectors takes only settings that all of them "
                "have; name a --detector for its own.",
            ) from error
        trial = recipe.trial(settings, device)
        if trial is not None:
            quick[detector] = (trial, settings)
    return _with_one_holdout(quick)


def _with_one_holdout(
    quick: Mapping[str, tuple[TrainSettings, TrainSettings]],
) -> dict[str, _TrialSettings]:
    """Each trial, and whether it is cut short: all hold out what the one that needs most does, for
    all are compared on those images."""
    holdout = max(trial.holdout for trial, _ in quick.values())
    trials = {name: replace(trial, holdout=holdout) for name, (trial, _) in quick.items()}
    return {name: (trials[name], trials[name] != whole) for name, (_, whole) in quick.items()}


def _evaluated(
    bundle: Bundle, detector: str, validation: ValidationSet, shortened: bool
) -> tuple[Candidate, NDArray[np.float32]]:
    """With the scores of the validation's frames, by the best backend that is here."""
    choice = choose(bundle)
    with closing(open_choice(bundle, choice)) as opened:
        scores, milliseconds = _scores(opened, validation, detector)
    seconds = bundle.manifest.stages[TRAIN_STAGE].seconds
    figure = delong_figure(scores, validation.labels)
    backend = choice.backend
    candidate = Candidate(detector, bundle, figure, seconds, milliseconds, backend, shortened)
    return candidate, scores


def _scores(
    detector: GraphDetector, validation: ValidationSet, name: str
) -> tuple[NDArray[np.float32], float]:
    """Of every frame, and the median time that one takes in milliseconds."""
    scores, times = [], []
    with progress(f"{name} on held-out images", len(validation.frames)) as advance:
        for index in range(len(validation.frames)):
            frame = validation.frames[index]
            before = time.perf_counter()
            _, (score,) = detector.run(frame[None])
            times.append(time.perf_counter() - before)
            scores.append(score)
            advance()
    return np.asarray(scores, np.float32), 1000 * float(np.median(times))


def _decide(
    candidates: Sequence[Candidate], scores: NDArray[np.float32], labels: NDArray[np.bool_]
) -> tuple[Candidate, str]:
    """Of those whose AUROC is not significantly below the best one's (DeLong), the fastest."""
    best = int(delong(scores, labels)[0].argmax())
    level = [
        index
        for index, its_scores in enumerate(scores)
        if not delong_change(scores[best], its_scores, labels).sure
    ]
    chosen = min(level, key=lambda index: candidates[index].milliseconds)
    others = ", ".join(candidates[index].detector for index in level if index != chosen)
    if chosen != best:
        alike = "those that do as well as the best, as far as these images tell"
        reason = f"it is the fastest of {alike}: {others}"
    elif others:
        reason = f"it has the highest AUROC, and is faster than those next to it: {others}"
    else:
        reason = "it has the highest AUROC, by more than chance"
    return candidates[chosen], reason
