"""From a folder of good images to the `train` stage of a bundle, whichever the detector.

The phases of the detector's recipe, the run folder beside the bundle, and the frames that later
prove the export.
"""

import dataclasses
import functools
import hashlib
import io
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from slsg_edge.bundle.commands import command_for
from slsg_edge.bundle.folder import Bundle, Manifest, check_name, new_bundle
from slsg_edge.bundle.good_scores import GoodScores, good_scores_file
from slsg_edge.bundle.manifest import renewed
from slsg_edge.bundle.plan import (
    FRAMES_FILE,
    GOOD_SCORES_FILE,
    TRAIN_STAGE,
    TRAINING_RECORD_FILE,
    WEIGHTS_FILE,
)
from slsg_edge.bundle.records import TrainRecord, settings_of, train_record_of
from slsg_edge.bundle.tolerances import DEFAULTS
from slsg_edge.bundle.training_record import training_record
from slsg_edge.data.groups import groups_of
from slsg_edge.data.loading import load_frames
from slsg_edge.errors import BundleError, ConfigError
from slsg_edge.images import Look, UsualFrames, usual_frames
from slsg_edge.machine.versions import tool_versions
from slsg_edge.models.backbone_weights import backbone_weights
from slsg_edge.models.backbones import LAYERS, layers_in
from slsg_edge.models.network import Network
from slsg_edge.models.recipe import Notify, TrainingContext, TrainingInputs
from slsg_edge.models.registry import detector_of, recipe_of, untrained_network
from slsg_edge.progress import progress
from slsg_edge.stages.first_weights import load_backbone
from slsg_edge.stages.folds import Folds, announce
from slsg_edge.stages.good_scores import good_scores, scores_of_held_out
from slsg_edge.stages.phases import run_phases
from slsg_edge.stages.quicker import quicker_command
from slsg_edge.training import charts
from slsg_edge.training.checkpoint import RunFolder
from slsg_edge.training.checkpoints import unfinished
from slsg_edge.training.device import TrainingDevice, device_from_name
from slsg_edge.training.expected import Forecast
from slsg_edge.training.feed import PairBatches
from slsg_edge.training.folds import folds_of
from slsg_edge.training.material import (
    Material,
    choose_material,
    fitted_to,
    forget_material,
    store_material,
)
from slsg_edge.training.run_lock import exclusive_run, require_free
from slsg_edge.training.sameness import sameness
from slsg_edge.training.settings import Resources, TrainSettings, require_possible
from slsg_edge.training.weight_files import weight_bytes

SHOWN_PAIRS = 4  # on each row of the sheet of anomalies, and among the golden frames
GOLDEN_BATCH = 2**31  # a batch that no training comes to

Weights: TypeAlias = Mapping[str, Tensor] | None


@dataclass(frozen=True, slots=True)
class _Start:
    """`settings` leave nothing open; `network` is untrained, `target` not on the disk yet; `folds`
    of the images are left out in turn."""

    resources: Resources
    device: TrainingDevice
    settings: TrainSettings
    material: Material
    network: Network
    target: Bundle
    folds: list[list[int]]


@dataclass(frozen=True, slots=True)
class _Learned:
    """pairs: that golden frames are drawn from. scores: out of sample. usual: of good images."""

    pairs: PairBatches
    scores: GoodScores
    usual: UsualFrames


def train(
    data: Path,
    output: Path,
    settings: TrainSettings,
    resources: Resources,
    *,
    command: str,
    resume: bool = False,
    notify: Notify = print,
) -> Bundle:
    """Trains the detector that `settings` are of and writes its weights into the bundle `output`.

    `resume`: goes on with a stopped run, and leaves a finished one as it is. Raises ConfigError,
    DatasetError or StorageError; `loop.Interrupted` when stopped, with a checkpoint in the run
    folder.
    """
    started = time.monotonic()
    check_name(output)
    folder = output.with_suffix(".run")
    require_free(folder)
    start = _start(data, settings, resources, output, notify)
    run = RunFolder(folder, _identity(start))
    with exclusive_run(folder, command_for(command, output)):
        if resume and _is_finished(start, run):
            notify(f"{output} is trained already, from this very start.")
            return start.target
        _check_run(run, resume, notify)
        quicker = quicker_command(data, output, settings, resources)
        if start.folds:
            announce(len(start.folds), notify)
        forecast = Forecast(notify, quicker, folds=len(start.folds))
        learned = _trained(start, run, resume, forecast)
        return _committed(start, run, learned, command, started)


def _start(
    data: Path, settings: TrainSettings, resources: Resources, output: Path, notify: Notify
) -> _Start:
    """Decodes no image but those that the settings leave something to."""
    require_possible(resources, settings, detector_of(settings))
    device = device_from_name(resources.device, resources.workers)
    # an impossible resolution is found before anything is read
    draft = untrained_network(settings)
    material = choose_material(data, settings.held_out, resources.textures)
    folds = _folds_of(material, settings)
    settings = fitted_to(settings, material, notify)
    weights = backbone_weights(resources.backbone_weights, draft.backbone.architecture)
    detector = detector_of(settings)
    inputs = _inputs(material, weights, settings)
    settings = recipe_of(detector).resolved(settings, inputs, notify)
    model, tolerances = dataclasses.asdict(settings)["model"], {**DEFAULTS, **draft.tolerances}
    manifest = Manifest(detector, model, settings.preprocessing, tolerances=tolerances)
    target = new_bundle(output, manifest)
    torch.manual_seed(settings.seed)
    network = untrained_network(settings)
    load_backbone(network, weights, settings, notify)
    return _Start(resources, device, settings, material, network, target, folds)


def _folds_of(material: Material, settings: TrainSettings) -> list[list[int]]:
    """None where no folds are asked for."""
    if not settings.folds:
        return []
    return folds_of(groups_of(material.images, progress), settings.folds, settings.seed)


def _inputs(material: Material, weights: Weights, settings: TrainSettings) -> TrainingInputs:
    def sample(count: int) -> NDArray[np.uint8]:
        step = -(-len(material.images) // count)
        return load_frames(material.images[::step], settings.preprocessing)

    return TrainingInputs(sample, len(LAYERS) if weights is None else layers_in(weights))


def _identity(start: _Start) -> str:
    """What a checkpoint must share with the run that resumes it."""
    settings = dataclasses.asdict(start.settings)
    if not settings["folds"]:  # a run of a version that knew none is the same
        del settings["folds"]
    parts = json.dumps(settings), start.material.fingerprint
    weights = weight_bytes(start.network.state_dict())
    return hashlib.sha256("".join(parts).encode() + weights).hexdigest()


def _is_finished(start: _Start, run: RunFolder) -> bool:
    """Whether the bundle holds what this run would lead to; a damaged one does not."""
    stage = start.target.manifest.stages.get(TRAIN_STAGE)
    if stage is None or train_record_of(start.target).start != run.identity:
        return False
    try:
        held = {name: start.target.file(name) for name in stage.outputs}
    except BundleError:
        return False
    # what is held out is no part of a run, and yet of the bundle
    return held[TRAINING_RECORD_FILE].read_bytes() == training_record(
        start.material.train, start.material.holdout
    )


def _check_run(run: RunFolder, resume: bool, notify: Notify) -> None:
    """Work of hours is neither thrown away nor missed without a word."""
    stopped = unfinished(run.path)
    if stopped and not resume:
        raise ConfigError(
            f"{run.path} holds a run that was stopped.",
            fix="Go on with --resume, or delete that folder to start anew.",
        )
    if resume and not stopped:
        notify(f"Nothing to resume in {run.path}: this run starts anew.")


def _trained(start: _Start, run: RunFolder, resume: bool, forecast: Forecast) -> _Learned:
    """Trains the network of `start` in place."""
    settings, material, device = start.settings, start.material, start.device
    notify = forecast.notify
    looks: list[Look] = []
    frames, textures = store_material(material, run.path, settings.preprocessing, looks)
    for hint in settings.hints(device.place.type):
        notify(f"Hint: {hint}")
    notify(f"{len(frames)} images to train on, {len(material.held_out)} held out, {device.place}.")
    if warning := sameness(frames):
        notify(f"Warning: {warning}")
    groups = functools.partial(groups_of, material.images, progress)
    initial = {name: value.clone() for name, value in start.network.state_dict().items()}
    context = TrainingContext(settings, frames, textures, device, groups)
    pairs = context.pairs(SHOWN_PAIRS)
    charts.write_anomaly_sheet(run.path / "anomalies.png", pairs)
    phases = recipe_of(detector_of(settings)).phases(start.network, context)
    left_out = run_phases(phases, run, device.workers, forecast, resume=resume)
    if start.folds:
        left_out = _folds(start, context, run, initial).scores(forecast, resume=resume)
    if left_out.good:
        charts.write_good_sheet(run.path / "good.png", frames, left_out.good)
    # anomalies count in the images that were left out, where there are any
    held_out = scores_of_held_out(
        start.network, context, material, run.path, looks, anomalies=not left_out.simulated
    )
    scores = good_scores(material, left_out, held_out, len(start.folds))
    return _Learned(pairs, scores, usual_frames(looks))


def _folds(
    start: _Start, context: TrainingContext[Any], run: RunFolder, initial: Mapping[str, Tensor]
) -> Folds:
    resources = start.resources
    make = functools.partial(device_from_name, resources.device, resources.workers)
    return Folds(start.folds, context, initial, make, run)


def _committed(
    start: _Start, run: RunFolder, learned: _Learned, command: str, started: float
) -> Bundle:
    """The bundle with what was trained; the run folder keeps the pictures alone."""
    record = TrainRecord(
        start.material.fingerprint,
        start.resources.backbone_weights,
        str(start.device.place),
        run.identity,
        dataclasses.asdict(start.settings),
    )
    manifest = dataclasses.replace(start.target.manifest, usual=learned.usual)
    bundle = start.target.commit(
        TRAIN_STAGE,
        _files(start, learned),
        command=command,
        started=started,
        tools=tool_versions("torch", "opencv-python-headless", "opencv-python"),
        settings=settings_of(record),
        update=lambda current: renewed(current, manifest),
    )
    run.clear()
    forget_material(run.path)
    return bundle


def _files(start: _Start, learned: _Learned) -> dict[str, bytes]:
    """Of the trained bundle."""
    return {
        WEIGHTS_FILE: weight_bytes(start.network.state_dict()),
        FRAMES_FILE: _frames(learned.pairs),
        TRAINING_RECORD_FILE: training_record(start.material.train, start.material.holdout),
        GOOD_SCORES_FILE: good_scores_file(learned.scores),
    }


def _frames(pairs: PairBatches) -> bytes:
    """Good frames and simulated anomalies to prove exports with."""
    images, _ = pairs[GOLDEN_BATCH]
    buffer = io.BytesIO()
    np.savez_compressed(buffer, frames=images.numpy())
    return buffer.getvalue()
