"""From a folder of good images to the `train` stage of a bundle.

Both stages, the run folder beside the bundle, and the frames that later prove the export.
"""

import dataclasses
import hashlib
import io
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from safetensors.torch import save

from slsg_edge.bundle import Bundle, Manifest, check_name, new_bundle
from slsg_edge.data.layouts import read_dataset
from slsg_edge.data.loading import load_frames
from slsg_edge.data.splits import content_hash, fingerprint, train_and_holdout
from slsg_edge.models.backbones import load_trunk
from slsg_edge.models.slsg.network import SlsgNetwork, network_from_spec
from slsg_edge.progress import progress
from slsg_edge.provenance import tool_versions
from slsg_edge.synthesis.anomalies import AnomalySimulator
from slsg_edge.synthesis.textures import ProceduralTextures, textures_from_folder
from slsg_edge.training import charts, pretraining, segmentation
from slsg_edge.training.backbone_weights import backbone_weights
from slsg_edge.training.checkpoint import History, RunFolder
from slsg_edge.training.device import Device, device_from_name
from slsg_edge.training.feed import CorruptionBatches, PairBatches
from slsg_edge.training.frames import StoredFrames, store_frames
from slsg_edge.training.loop import Phase, run_phase
from slsg_edge.training.settings import Resources, TrainSettings
from slsg_edge.training.tensorboard import recorder

Say: TypeAlias = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Good images at model resolution, and the sha256 of each file on either side."""

    frames: StoredFrames
    train: tuple[str, ...]
    holdout: tuple[str, ...]


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
    check_name(output)
    device = device_from_name(resources.device, resources.workers)
    network = _new_network(settings)
    folder = output.with_suffix(".run")
    images = _training_data(data, settings, folder)
    _load_backbone(network, settings, resources, say)
    say(f"{len(images.train)} images to train on, {len(images.holdout)} held out, {device.place}.")
    pairs = _pairs(images.frames, settings, resources)
    run = RunFolder(folder, _identity(settings, resources, images))
    if not resume:
        run.clear()
    charts.write_anomaly_sheet(folder / "anomalies.png", pairs)
    _run(_phases(network, images, pairs, settings, device), run, resume=resume)
    manifest = Manifest("slsg", dataclasses.asdict(settings.model), settings.preprocessing)
    bundle = new_bundle(output, manifest).commit(
        "train",
        {
            "weights.safetensors": _weights(network),
            "frames.npz": _frames(pairs, settings.training.iterations),
            "data.json": json.dumps(
                {"train": list(images.train), "holdout": list(images.holdout)}
            ).encode(),
        },
        command=command,
        started=started,
        tools=tool_versions("torch", "opencv-python-headless", "opencv-python"),
        settings={
            "data_fingerprint": fingerprint(images.train),
            "backbone_weights": resources.backbone_weights,
            "device": str(device.place),
            **json.loads(json.dumps(dataclasses.asdict(settings))),
        },
    )
    images.frames.path.unlink()  # a copy of the images, needed by nobody any more
    return bundle


def _training_data(data: Path, settings: TrainSettings, folder: Path) -> TrainingData:
    paths, held_out = train_and_holdout(read_dataset(data), settings.holdout)
    with progress("reading images", len(paths)) as advance:
        frames = load_frames(paths, settings.preprocessing, advance)
    return TrainingData(
        store_frames(folder / "frames.npy", frames),
        tuple(content_hash(path) for path in paths),
        tuple(content_hash(path) for path in held_out),
    )


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


def _pairs(frames: StoredFrames, settings: TrainSettings, resources: Resources) -> PairBatches:
    resolution = settings.preprocessing
    textures = (
        ProceduralTextures()
        if resources.textures is None
        else textures_from_folder(resources.textures, resolution.height, resolution.width)
    )
    simulator = AnomalySimulator(settings.synthesis, textures)
    return PairBatches(frames, simulator, settings.seed, settings.training.batch)


def _phases(
    network: SlsgNetwork,
    images: TrainingData,
    pairs: PairBatches,
    settings: TrainSettings,
    device: Device,
) -> list[Callable[[], Phase]]:
    """Made one after the other: stage 2 freezes what stage 1 trains."""
    options = settings.pretraining
    corrupted = CorruptionBatches(images.frames, options, settings.seed)
    second = [lambda: segmentation.segmentation_phase(network, pairs, settings, device)]
    if not options.iterations:
        return second
    return [lambda: pretraining.pretraining_phase(network, corrupted, settings, device), *second]


def _run(phases: Sequence[Callable[[], Phase]], folder: RunFolder, *, resume: bool) -> None:
    histories: dict[str, History] = {}
    record = recorder(folder.path)
    for make in phases:
        phase = make()
        histories[phase.name] = run_phase(phase, folder, record, resume=resume)
        charts.write_loss_chart(folder.path / "losses.png", histories)


def _identity(settings: TrainSettings, resources: Resources, images: TrainingData) -> str:
    """What a checkpoint must share with the run that resumes it."""
    parts = (
        dataclasses.asdict(settings),
        resources.backbone_weights,
        str(resources.textures),
        fingerprint(images.train),
    )
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _weights(network: SlsgNetwork) -> bytes:
    state = network.state_dict()
    return save({name: tensor.cpu().contiguous() for name, tensor in state.items()})


def _frames(pairs: PairBatches, iterations: int) -> bytes:
    """Good frames and simulated anomalies to prove exports with: the batch after the last."""
    images, _ = pairs[iterations]
    buffer = io.BytesIO()
    np.savez_compressed(buffer, frames=images.numpy())
    return buffer.getvalue()
