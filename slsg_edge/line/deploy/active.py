"""Which bundle a station runs: what was deployed last, else what line.toml names."""

import os
from pathlib import Path

from slsg_edge.line.deploy.state import OF_LINE_TOML, DeployState, folder_of, read_state
from slsg_edge.line.settings.line import StationSettings


def bundle_of(station: StationSettings, line_folder: Path) -> Path:
    """ConfigError for a state that cannot be read: nobody knows what was deployed then."""
    folder = folder_of(line_folder, station.name)
    state = read_state(folder)
    followed = state is not None and applies(state, station, folder)
    return named(station, state.active if state and followed else OF_LINE_TOML, folder)


def applies(state: DeployState, station: StationSettings, folder: Path) -> bool:
    """Whether line.toml still names the bundle that it named when something was deployed.

    folder: of the station's bundles.
    """
    return state.configured == configured(station, folder)


def configured(station: StationSettings, folder: Path) -> str:
    """What line.toml names, as it lies to `folder`: both may be moved together."""
    return os.path.relpath(station.bundle, folder)


def named(station: StationSettings, bundle: str, folder: Path) -> Path:
    """The path of one of the bundles in a state. folder: of the station's bundles."""
    return station.bundle if bundle == OF_LINE_TOML else folder / bundle
