"""Detectors by name. A new detector is a folder beside this file and an entry below."""

from collections.abc import Callable, Mapping

from torch import nn

from slsg_edge.config import settings_from_table, unknown_name
from slsg_edge.contracts import Json
from slsg_edge.models.slsg.network import SlsgSpec, network_from_spec
from slsg_edge.preprocessing import Preprocessing


def _slsg(spec: Mapping[str, Json], resolution: Preprocessing) -> nn.Module:
    return network_from_spec(
        settings_from_table(SlsgSpec, spec, "the bundle's spec"),
        resolution.height,
        resolution.width,
    )


DETECTORS: dict[str, Callable[[Mapping[str, Json], Preprocessing], nn.Module]] = {"slsg": _slsg}


def network_of(detector: str, spec: Mapping[str, Json], preprocessing: Preprocessing) -> nn.Module:
    """An untrained network as a manifest describes it; ConfigError for an unknown detector."""
    if detector not in DETECTORS:
        raise unknown_name(detector, DETECTORS, what="detector")
    return DETECTORS[detector](spec, preprocessing)
