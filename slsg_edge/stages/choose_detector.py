"""Which detector a product wants: the quick ones are trained and compared without a test image.

They are ranked on good images that none of them was trained on and on anomalies simulated in
those. That favours whoever learns from such anomalies, so it is a start and no proof: only
`eval` on real defects is one.
"""

import dataclasses
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slsg_edge.bundle.folder import MANIFEST, Bundle, check_name
from slsg_edge.bundle.manifest import json_from_manifest
from slsg_edge.config import require
from slsg_edge.data.layouts import read_dataset
from slsg_edge.data.loading import load_frames
from slsg_edge.data.splits import train_and_holdout
from slsg_edge.errors import ConfigError, DatasetError
from slsg_edge.metrics.differences import delong_change
from slsg_edge.metrics.intervals import Figure, delong, delong_figure
from slsg_edge.models.recipe import Notify, no_trial
from slsg_edge.models.registry import DETECTORS
from slsg_edge.preprocessing import Preprocessing
from slsg_edge.progress import progress
from slsg_edge.runtime.detector import GraphDetector, choose, open_choice
from slsg_edge.stages.export import export_bundle
from slsg_edge.stages.settings import settings_of_run
from slsg_edge.stages.train import train
from slsg_edge.storage import write_together
from slsg_edge.synthesis.anomalies import AnomalySimulator, TextureSource
from slsg_edge.synthesis.textures import ProceduralTextures, TexturePhotos, texture_files
from slsg_edge.training.checkpoint import unfinished
from slsg_edge.training.device import device_from_name
from slsg_edge.training.settings import Resources, TrainSettings

FEWEST = 10  # held-out good images, below which no two detectors can be told apart
ANOMALIES = 2  # simulated in each held-out image
_SEED = 5  # first word of the seeds, as in training.feed


@dataclass(frozen=True, slots=True)
class Trial:
    """One detector on the held-out images. `seconds` of training; `milliseconds` a frame, median.

    `shortened`: its training was cut for the trial, so the whole one would do better.
    """

    detector: str
    bundle: Bundle
    auroc: Figure
    seconds: float
    milliseconds: float
    backend: str
    shortened: bool


@dataclass(frozen=True, slots=True)
class Pick:
    """`chosen` is the fastest of those that are not significantly worse than the best."""

    trials: tuple[Trial, ...]
    chosen: Trial
    reason: str
    good: int
    simulated: int


@dataclass(frozen=True, slots=True)
class _Exam:
    """Frames (N, H, W, 3) at model resolution, and which of them have an anomaly."""

    frames: NDArray[np.uint8]
    labels: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Trials:
    """Where the trials lie, and what they are trained with."""

    data: Path
    folder: Path
    resources: Resources
    command: str
    notify: Notify

    def run(self, detector: str, settings: TrainSettings) -> Bundle:
        """Trained and exported; goes on where it was stopped, and is not done twice."""
        path = self.folder / f"{detector}.slsg"
        bundle = train(
            self.data,
            path,
            settings,
            self.resources,
            command=self.command,
            resume=path.exists() or unfinished(path.with_suffix(".run")),
            notify=self.notify,
        )
        command = f"slsg-edge export {path}"
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
) -> Pick:
    """Picks a detector and leaves it, fully trained, in the bundle `output`, which must be new.

    Trials stay in a folder beside it. ConfigError when `output` exists or a setting is not for
    every detector; DatasetError when too few good images are held out; and what training raises.
    """
    check_name(output)
    require(not output.exists(), f"{output} exists already.", "Give a new name, or delete it.")
    trials = _Trials(data, output.with_suffix(".trials"), resources, command, notify)
    pick = _pick(trials, files, options)
    if pick.chosen.shortened:
        notify(f"{pick.chosen.detector}: the whole training ...")
        settings = settings_of_run(pick.chosen.detector, files, options)
        resumed = unfinished(output.with_suffix(".run"))
        train(data, output, settings, resources, command=command, resume=resumed, notify=notify)
    else:
        _adopt(pick.chosen.bundle, output)
    return pick


def _adopt(trial: Bundle, output: Path) -> None:
    """As trained: what came after names the trial's path, and is quickly done again."""
    stages = {"train": trial.manifest.stages["train"]}
    manifest = dataclasses.replace(trial.manifest, stages=stages)
    files = {name: trial.file(name).read_bytes() for name in stages["train"].outputs}
    write_together(output, {**files, MANIFEST: json_from_manifest(manifest)})


def _pick(trials: _Trials, files: Sequence[Path], options: Mapping[str, Any]) -> Pick:
    """Trains the quick detectors and compares them."""
    device = device_from_name(trials.resources.device, trials.resources.workers).place.type
    candidates = _candidates(files, options, device)
    # all have the same holdout, resolution and rules of synthesis: those of `TrainSettings`
    exam = _exam(trials.data, next(iter(candidates.values()))[0], trials.resources)
    tried, scores = [], []
    for detector, (settings, shortened) in candidates.items():
        how = "a short training" if shortened else "training"
        trials.notify(f"{detector}: {DETECTORS[detector].summary} Now {how} ...")
        bundle = trials.run(detector, settings)
        trial, found = _examined(bundle, detector, exam, shortened)
        tried.append(trial)
        scores.append(found)
    chosen, reason = _decide(tried, np.stack(scores), exam.labels)
    anomalous = int(exam.labels.sum())
    return Pick(tuple(tried), chosen, reason, len(exam.labels) - anomalous, anomalous)


def _candidates(
    files: Sequence[Path], options: Mapping[str, Any], device: str
) -> dict[str, tuple[TrainSettings, bool]]:
    """Settings by detector, and whether they were cut for the trial."""
    found = {}
    for detector, recipe in DETECTORS.items():
        if recipe.trial is no_trial:
            continue
        try:
            settings = settings_of_run(detector, files, options)
        except ConfigError as error:
            raise ConfigError(
                f"{detector}: {error.what}",
                fix=f"{error.fix} A choice among detectors takes only settings that all of them "
                "have; name a --detector for its own.",
            ) from error
        trial = recipe.trial(settings, device)
        if trial is not None:
            found[detector] = (trial, trial != settings)
    return found


def _exam(data: Path, settings: TrainSettings, resources: Resources) -> _Exam:
    """Every held-out good image, and anomalies simulated in it by the product's own rules."""
    _, held_out = train_and_holdout(read_dataset(data), settings.holdout)
    if len(held_out) < FEWEST:
        raise DatasetError(
            f"Good images held out: {len(held_out)}, too few to choose a detector by.",
            fix=f"Give more good images or a larger holdout, for at least {FEWEST}; "
            "or name a --detector.",
        )
    good = load_frames(held_out, settings.preprocessing)
    simulator = AnomalySimulator(settings.synthesis, _textures(resources, settings))
    anomalous = []
    for index, frame in enumerate(good):
        for number in range(ANOMALIES):
            rng = np.random.default_rng([_SEED, settings.seed, index, number])
            other = good[int(rng.integers(len(good)))]
            anomalous.append(simulator.anomalous(rng, frame, other)[0])
    frames = np.concatenate((good, np.stack(anomalous)))
    return _Exam(frames, np.arange(len(frames)) >= len(good))


def _textures(resources: Resources, settings: TrainSettings) -> TextureSource:
    if resources.textures is None:
        return ProceduralTextures()
    whole = Preprocessing(settings.preprocessing.height, settings.preprocessing.width)
    return TexturePhotos(load_frames(texture_files(resources.textures), whole))


def _examined(
    bundle: Bundle, detector: str, exam: _Exam, shortened: bool
) -> tuple[Trial, NDArray[np.float32]]:
    """With the scores of the exam's frames, by the best backend that is here."""
    choice = choose(bundle)
    with closing(open_choice(bundle, choice)) as opened:
        found, milliseconds = _scores(opened, exam, detector)
    seconds = bundle.manifest.stages["train"].seconds
    figure = delong_figure(found, exam.labels)
    trial = Trial(detector, bundle, figure, seconds, milliseconds, choice.backend, shortened)
    return trial, found


def _scores(detector: GraphDetector, exam: _Exam, name: str) -> tuple[NDArray[np.float32], float]:
    """Of every frame, and the median time that one takes in milliseconds."""
    scores, times = [], []
    with progress(f"{name} on held-out images", len(exam.frames)) as advance:
        for frame in exam.frames:
            before = time.perf_counter()
            _, (score,) = detector.run(frame[None])
            times.append(time.perf_counter() - before)
            scores.append(score)
            advance()
    return np.asarray(scores, np.float32), 1000 * float(np.median(times))


def _decide(
    trials: Sequence[Trial], scores: NDArray[np.float32], labels: NDArray[np.bool_]
) -> tuple[Trial, str]:
    """Of those whose AUROC is not significantly below the best one's (DeLong), the fastest."""
    best = int(delong(scores, labels)[0].argmax())
    level = [
        index
        for index, other in enumerate(scores)
        if not delong_change(scores[best], other, labels).sure
    ]
    chosen = min(level, key=lambda index: trials[index].milliseconds)
    others = ", ".join(trials[index].detector for index in level if index != chosen)
    if chosen != best:
        reason = f"it is the fastest of those that chance alone may part from the best: {others}"
    elif others:
        reason = f"it has the highest AUROC, and is faster than those next to it: {others}"
    else:
        reason = "it has the highest AUROC, by more than chance"
    return trials[chosen], reason
