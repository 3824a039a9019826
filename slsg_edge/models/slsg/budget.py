"""SLSG's training cut to what this machine does in a given time."""

import math
import time
from dataclasses import replace

import torch

from slsg_edge.models.slsg.network import SlsgNetwork, network_from_spec
from slsg_edge.models.slsg.settings import SlsgSettings
from slsg_edge.training.device import TrainingDevice

IMAGES, STEPS = 2, 4  # what is measured, after one step in which kernels are chosen
ENOUGH = 1.0  # seconds, after which a slow machine is measured
BESIDE = 1.5  # a step with its share of drawing anomalies, checkpoints and all, by the step alone
FEWEST = 50  # iterations, below which nothing is learned that is worth to be seen


def seconds_an_image(settings: SlsgSettings, device: TrainingDevice) -> float:
    """What an image takes here and now that is learned from."""
    height, width = settings.preprocessing.height, settings.preprocessing.width
    network = network_from_spec(settings.model, height, width).train()
    device.arrange(network)
    pixels = torch.zeros(IMAGES, 3, height, width, device=device.place)
    _step(network, pixels)
    started, steps = time.monotonic(), 0
    while steps < STEPS and time.monotonic() - started < ENOUGH:
        _step(network, pixels)
        steps += 1
    return (time.monotonic() - started) / steps / IMAGES


def seconds_of(settings: SlsgSettings, an_image: float) -> float:
    """Of the whole training."""
    first, second = settings.pretraining, settings.training
    images = 0 if first.task == "none" else first.iterations * first.batch
    return BESIDE * an_image * (images + second.iterations * 2 * second.batch)


def shortened(settings: SlsgSettings, share: float) -> SlsgSettings | None:
    """Both stages cut to this share of them; None where too little would be left."""
    first, second = settings.pretraining, settings.training
    iterations = math.floor(share * second.iterations)
    if iterations < min(FEWEST, second.iterations):
        return None
    samples = max(first.batch, math.floor(share * first.samples_per_epoch))
    return replace(
        settings,
        pretraining=replace(first, samples_per_epoch=samples),
        training=replace(second, iterations=iterations),
    )


def _step(network: SlsgNetwork, pixels: torch.Tensor) -> None:
    """Forward and backward; the last number is read, so that a GPU is waited for."""
    logits, auxiliary = network(pixels)
    (logits.mean() + auxiliary.mean()).backward()
    float(logits.detach().flatten()[-1])
    network.zero_grad(set_to_none=True)
