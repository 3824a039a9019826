"""A run's settings from everything that may say something: files first, then options.

Which detector is asked for decides which keys there are.
"""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from slsg_edge.config import read_toml, require, settings_from_table
from slsg_edge.errors import ConfigError
from slsg_edge.models.names import DEFAULT_DETECTOR
from slsg_edge.models.recipe import Notify
from slsg_edge.models.registry import recipe_of
from slsg_edge.training.device import device_from_name
from slsg_edge.training.settings import Resources, Start, TrainSettings

DETECTOR_KEY = "detector"  # at the top of a TOML file
_LEAVE_OUT = "Leave it out, or give other settings."


def settings_here(
    detector: str | None,
    files: Sequence[Path],
    options: Mapping[str, Any],
    resources: Resources,
    notify: Notify,
) -> TrainSettings:
    """As `settings_of_run`, with defaults that fit this machine; says which they are and why."""
    device = device_from_name(resources.device, resources.workers).place.type
    given: Mapping[str, Any] = functools.reduce(_over, (*map(read_toml, files), options))
    start = Start(device, resources.backbone_weights, given)
    settings = settings_of_run(detector, files, options, start)
    for line in settings.fitted(start):
        notify(line)
    return settings


def settings_of_run(
    detector: str | None,
    files: Sequence[Path],
    options: Mapping[str, Any],
    start: Start | None = None,
) -> TrainSettings:
    """As `merged_settings`; ConfigError also for an option, or a whole file, without any effect.

    A file may hold more than a detector uses, since it may serve several.
    """
    settings = merged_settings(detector, files, options, start)
    if settings.folds and _holds(options, "holdout"):
        raise ConfigError(
            "holdout has no effect: with folds every image is learned from and left out once.",
            fix=_LEAVE_OUT,
        )
    for key, reason in settings.without_effect.items():
        require(not _holds(options, key), f"{key} has no effect: {reason}.", _LEAVE_OUT)
    for path in files:
        reasons = [settings.without_effect.get(table) for table in read_toml(path)]
        if reasons and all(reasons):
            raise ConfigError(f"{path.name} has no effect: {reasons[0]}.", fix=_LEAVE_OUT)
    return settings


def merged_settings(
    detector: str | None,
    files: Sequence[Path],
    options: Mapping[str, Any],
    start: Start | None = None,
) -> TrainSettings:
    """Defaults, then each TOML file in turn, then `options`, a table of tables as in TOML.

    The defaults are those that fit `start`, where it is known.

    The detector is the named one, else the last that a file names, else SLSG. ConfigError for
    a name or key that nobody knows.
    """
    tables = [(path.name, dict(read_toml(path))) for path in files]
    named = [str(table.pop(DETECTOR_KEY)) for _, table in tables if DETECTOR_KEY in table]
    kind: type[TrainSettings] = recipe_of(detector or (named or [DEFAULT_DETECTOR])[-1]).settings
    settings = kind() if start is None else kind.fitting(start)
    for where, table in (*tables, ("the command line", options)):
        settings = settings_from_table(kind, table, where, settings)
    return settings


def _over(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """Two tables of tables as one, in which `upper` wins."""
    both = {
        key: _over(lower[key], value)
        for key, value in upper.items()
        if isinstance(value, Mapping) and isinstance(lower.get(key), Mapping)
    }
    return {**lower, **upper, **both}


def _holds(options: Mapping[str, Any], key: str) -> bool:
    """Whether a table of tables has the table or value `key`, as `pretraining.epochs`."""
    first, _, rest = key.partition(".")
    return first in options and (not rest or _holds(options[first], rest))


def put(options: dict[str, Any], key: str, value: object) -> None:
    """Sets `training.iterations` and the like in a table of tables; None leaves it alone."""
    if value is None:
        return
    *tables, name = key.split(".")
    for table in tables:
        options = options.setdefault(table, {})
        if not isinstance(options, dict):
            raise ConfigError(f"'{key}' is no table.", fix="Give TABLE.KEY=VALUE.")
    options[name] = value
