"""A network's backbone filled with the weights that it starts from."""

from collections.abc import Mapping

from torch import Tensor

from slsg_edge.errors import ConfigError
from slsg_edge.models.backbones import load_trunk
from slsg_edge.models.network import Network
from slsg_edge.models.recipe import Notify
from slsg_edge.training.settings import TrainSettings


def load_backbone(
    network: Network, weights: Mapping[str, Tensor] | None, settings: TrainSettings, notify: Notify
) -> None:
    """Says what stays random and what does not fit."""
    if weights is None:
        if not settings.trains_backbone:
            notify("Warning: the backbone starts from noise and is never trained.")
        return
    loaded = load_trunk(network.backbone, weights)
    if loaded.random and settings.needs_all_layers:
        raise ConfigError(
            f"The backbone weights have nothing for {', '.join(loaded.random)}, which would stay "
            "noise: this detector never trains its backbone.",
            fix="Give a whole file, or take fewer layers: model.depth or model.layers, as the "
            "detector has it.",
        )
    if loaded.random:
        notify(f"Warning: no backbone weights for {', '.join(loaded.random)}: random at first.")
    if loaded.folded_batch_norm and settings.adapts_batch_norm:
        notify(
            "Warning: these backbone weights have their batch norm folded in and serve frozen "
            "statistics only: give --encoder-batch-norm frozen."
        )
