"""From a folder of good images to the `train` stage of a bundle.

Both stages, the run folder beside the bundle, and the frames that later prove the export.
"""

import dataclasses
import hashlib
import io
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch

from slsg_edge.bundle import Bundle, Manifest, new_bundle
from slsg_edge.errors import ConfigError
from slsg_edge.models.backbones import load_trunk
from slsg_edge.models.slsg.network import SlsgNetwork, network_from_spec
from slsg_edge.models.weight_files import weight_bytes
from slsg_edge.provenance import tool_versions
from slsg_edge.synthesis.anomalies import AnomalySimulator
from slsg_edge.training import charts
from slsg_edge.training.backbone_weights import backbone_weights
from slsg_edge.training.checkpoint import History, RunFolder, unfinished
from slsg_edge.training.device import Device, device_from_name
from slsg_edge.training.feed import CorruptionBatches, PairBatches
from slsg_edge.training.frames import StoredFrames
from slsg_edge.training.loop import Phase, run_phase
from slsg_edge.training.material import (
    Material,
    choose_material,
    forget_material,
    store_material,
)
from slsg_edge.training.pretraining import pretraining_phase
from slsg_edge.training.segmentation import segmentation_phase
from slsg_edge.training.settings import Resources, TrainSettings
from slsg_edge.training.tensorboard import recorder

Say: TypeAlias = Callable[[str], None]


def train(
    data: Path,
    output: Path,
    settings: TrainSettings,
    resources: Resources,
    *,
    command: str,
    resume: bool = False,
    say: Say = print,
) -> Bundle:
    """Trains SLSG on the good images of `data` and writes weights into the bundle `output`.

    Raises ConfigError, DatasetError or StorageError; `loop.Interrupted` when stopped, with a
    checkpoint in the run folder.
    """
    started = time.monotonic()
    manifest = Manifest("slsg", dataclasses.asdict(settings.model), settings.preprocessing)
    target = new_bundle(output, manifest)
    device = device_from_name(resources.device, resources.workers)
    network = _new_network(settings)
    material = choose_material(data, settings.holdout, resources.textures)
    _load_backbone(network, settings, resources, say)
    run = RunFolder(output.with_suffix(".run"), _identity(settings, network, material))
    _check_run(run, resume, say)
    frames, textures = store_material(material, run.path, settings.preprocessing)
    pairs = PairBatches(
        frames,
        AnomalySimulator(settings.synthesis, textures),
        settings.seed,
        settings.training.batch,
    )
    if device.place.type == "cpu" and settings.model.variant == "paper":
        say("Hint: `paper` is meant for a GPU; --variant edge does an eighth of its work.")
    say(f"{len(frames)} images to train on, {len(material.holdout)} held out, {device.place}.")
    charts.write_anomaly_sheet(run.path / "anomalies.png", pairs)
    _run(_phases(network, frames, pairs, settings, device), run, resume=resume)
    bundle = target.commit(
        "train",
        {
            "weights.safetensors": weight_bytes(network.state_dict()),
            "frames.npz": _frames(pairs, settings.training.iterations),
            "data.json": json.dumps(
                {"train": material.train, "holdout": material.holdout}
            ).encode(),
        },
        command=command,
        started=started,
        tools=tool_versions("torch", "opencv-python-headless", "opencv-python"),
        settings={
            "data_fingerprint": material.fingerprint,
            "backbone_weights": resources.backbone_weights,
            "device": str(device.place),
            **json.loads(json.dumps(dataclasses.asdict(settings))),
        },
    )
    run.clear()
    forget_material(run.path)
    return bundle


def _new_network(settings: TrainSettings) -> SlsgNetwork:
    torch.manual_seed(settings.seed)
    resolution = settings.preprocessing
    return network_from_spec(settings.model, resolution.height, resolution.width)


def _load_backbone(
    network: SlsgNetwork, settings: TrainSettings, resources: Resources, say: Say
) -> None:
    """Says what stays random and what does not fit."""
    weights = backbone_weights(resources.backbone_weights)
    if weights is None:
        if settings.pretraining.task == "none" and settings.training.encoder == "frozen":
            say("Warning: the encoder starts from noise and is never trained.")
        return
    loaded = load_trunk(network.encoder.trunk, weights)
    if loaded.random:
        say(f"Warning: no backbone weights for {', '.join(loaded.random)}: random at first.")
    if loaded.folded_batch_norm and settings.training.encoder_batch_norm == "batch":
        say(
            "Warning: these backbone weights have their batch norm folded in and serve frozen "
            "statistics only: give --encoder-batch-norm frozen."
        )


def _identity(settings: TrainSettings, network: SlsgNetwork, material: Material) -> str:
    """What a checkpoint must share with the run that resumes it; `network` is untrained."""
    parts = json.dumps(dataclasses.asdict(settings)), material.fingerprint
    start = weight_bytes(network.state_dict())
    return hashlib.sha256("".join(parts).encode() + start).hexdigest()


def _check_run(run: RunFolder, resume: bool, say: Say) -> None:
    """Work of hours is neither thrown away nor missed without a word."""
    stopped = unfinished(run.path)
    if stopped and not resume:
        raise ConfigError(
            f"{run.path} holds a run that was stopped.",
            fix="Go on with --resume, or delete that folder to start anew.",
        )
    if resume and not stopped:
        say(f"Nothing to resume in {run.path}: this run starts anew.")


def _phases(
    network: SlsgNetwork,
    frames: StoredFrames,
    pairs: PairBatches,
    settings: TrainSettings,
    device: Device,
) -> list[Callable[[], Phase]]:
    """Made one after the other: stage 2 freezes what stage 1 trains."""
    options = settings.pretraining
    second = [lambda: segmentation_phase(network, pairs, settings, device)]
    if options.task == "none":
        return second
    corrupted = CorruptionBatches(frames, options, settings.seed)
    return [lambda: pretraining_phase(network, corrupted, settings, device), *second]


def _run(phases: Sequence[Callable[[], Phase]], run: RunFolder, *, resume: bool) -> None:
    histories: dict[str, History] = {}
    record = recorder(run.path)
    for make in phases:
        phase = make()
        histories[phase.name] = run_phase(phase, run, record, resume=resume)
        charts.write_loss_chart(run.path / "losses.png", histories)


def _frames(pairs: PairBatches, iterations: int) -> bytes:
    """Good frames and simulated anomalies to prove exports with: the batch after the last."""
    images, _ = pairs[iterations]
    buffer = io.BytesIO()
    np.savez_compressed(buffer, frames=images.numpy())
    return buffer.getvalue()
