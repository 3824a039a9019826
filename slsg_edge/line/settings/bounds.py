"""Whether each value is what its `setting` allows: a range, or a pattern."""

import dataclasses
import re
from typing import Any

from slsg_edge.config import require
from slsg_edge.errors import ConfigError
from slsg_edge.line.settings.setting import PLAIN
from slsg_edge.line.settings.sinks import TOPIC


def require_bounds(settings: Any, where: str, joint: str = ".") -> None:
    """ConfigError that names the key, which stands behind `joint` in messages.

    Single tables inside are looked into, lists of them not.
    """
    for one in dataclasses.fields(settings):
        value = getattr(settings, one.name)
        if dataclasses.is_dataclass(value):
            require_bounds(value, f"{where}{joint}{one.name}")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            _require_range(value, one.metadata, f"{where}{joint}{one.name}")
        elif isinstance(value, str):
            _require_pattern(value, one.metadata, f"{where}{joint}{one.name}")


def _require_range(value: float, metadata: Any, where: str) -> None:
    least, most = metadata.get("least"), metadata.get("most")
    if (least is None or value >= least) and (most is None or value <= most):
        return
    raise ConfigError(f"{where} is {_number(value)}.", fix=f"Give a number {_range(least, most)}.")


def _number(value: float) -> str:
    try:
        return f"{value:g}"
    except OverflowError:  # a whole number of hundreds of digits
        return "too large"


def _range(least: float | None, most: float | None) -> str:
    if least is None:
        return f"of at most {most:g}"
    return f"of at least {least:g}" if most is None else f"from {least:g} to {most:g}"


def _require_pattern(value: str, metadata: Any, where: str) -> None:
    pattern = metadata.get("pattern")
    require(
        pattern is None or re.fullmatch(pattern, value) is not None,
        f"{where} is {value[:80]!r}.",
        _FIXES.get(pattern or "", f"Give what matches {pattern}."),
    )


_FIXES = {
    PLAIN: "Give letters, digits, - and _ only, at most 64, beginning with a letter or digit.",
    TOPIC: "Give words parted by /, without +, # and spaces.",
}
