"""N-pad's last pass: how far each good image lies from what the others came to.

That puts all distances on one scale, and is what a part that nobody has seen would score.
"""

import torch
from torch import Tensor

from slsg_edge.contracts import SimulatedScore, size_of
from slsg_edge.models.npad.fused_scale import FusedScaled
from slsg_edge.models.npad.gathering import RemainingSteps, StatisticsPhases
from slsg_edge.models.npad.kept import Patches, joined
from slsg_edge.models.npad.left_out_batches import LeftOutBatches
from slsg_edge.models.npad.left_out_distances import LeftOutDistances
from slsg_edge.models.npad.network import NpadNetwork
from slsg_edge.models.npad.summed_scale import Scaled
from slsg_edge.training.checkpoint import Stateful
from slsg_edge.training.feed import Batch
from slsg_edge.training.loop import Losses, Phase
from slsg_edge.training.out_of_sample import OutOfSample

CHUNK = 8  # anomalies that pass the trunk at a time


def scale_phase(made: StatisticsPhases) -> Phase:
    """After the statistics: each fold of images by what all the others came to."""
    batch = made.settings.training.batch
    source = LeftOutBatches(made.context.simulated(), made.folds, batch)
    left_out, kept, left = made.left_out(), LeftOutDistances(), RemainingSteps(len(source))

    @torch.inference_mode()
    def step(drawn: Batch) -> Losses:
        frames, shares = drawn
        anomalies, found, start = _patches(made, frames), [], 0
        for fold in source.folds[len(source) - left.steps]:
            rows = range(start, start + len(source.entries(fold)) - len(fold))
            own = made.kept.of(fold)
            asked = joined([own, anomalies.of(rows)]) if anomalies and rows else own
            found.append(left_out.distances(fold, own, asked))
            start = rows.stop
        maps, whole = (torch.cat(some) for some in zip(*found, strict=True))
        kept.add(maps, whole, shares)
        if left.down():
            scaled_by(made.network, kept).fit(_cells(source, kept))
        return {}

    def scores() -> OutOfSample:
        return _named(source, kept, scaled_by(made.network, kept).scores())

    parts: dict[str, Stateful] = {"network": made.network, "left": left, "kept": kept}
    return Phase("scale", len(source), batch, parts, source, step, scores)


def scaled_by(network: NpadNetwork, kept: LeftOutDistances) -> Scaled | FusedScaled:
    """As the network's distances are put together."""
    return FusedScaled(network, kept) if network.spec.fused else Scaled(network, kept)


def _cells(source: LeftOutBatches, kept: LeftOutDistances) -> list[Tensor]:
    """Places of the simulated anomalies among the frames, by kind and size."""
    cells: dict[tuple[str, str], list[int]] = {}
    for place, (entry, share) in enumerate(
        zip(source.all_entries(), kept.shares.tolist(), strict=True)
    ):
        if entry.anomaly is not None:
            cell = source.simulated.kind_of(entry.anomaly), size_of(share)
            cells.setdefault(cell, []).append(place)
    return [torch.tensor(cell) for cell in cells.values()]


def _patches(made: StatisticsPhases, frames: Tensor) -> Patches | None:
    """None of no frames."""
    if not len(frames):
        return None
    return joined([made.patches_in(part) for part in torch.split(frames, CHUNK)])


def _named(source: LeftOutBatches, kept: LeftOutDistances, scores: list[float]) -> OutOfSample:
    good: dict[int, float] = {}
    simulated = []
    for entry, share, score in zip(source.all_entries(), kept.shares.tolist(), scores, strict=True):
        if entry.anomaly is None:
            good[entry.image] = score
        else:
            kind = source.simulated.kind_of(entry.anomaly)
            simulated.append(SimulatedScore(kind, share, score))
    return OutOfSample(good, tuple(simulated))
