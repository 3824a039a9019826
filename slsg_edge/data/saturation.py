"""From `defects_config.json` of MVTec LOCO: how much of a defect must be found.

A missing bottle label may be marked by a large area of which any part is as good as the whole;
so each kind of defect has an area at which finding more of it no longer counts (Bergmann et al.,
Beyond Dents and Scratches, IJCV 130, 2022, section 4.2).
"""

import json
from dataclasses import dataclass
from pathlib import Path

from slsg_edge.errors import DatasetError

DEFECTS_CONFIG_FILE = "defects_config.json"


@dataclass(frozen=True, slots=True)
class DefectRule:
    """The saturation of a kind of defect: a share of its area when `relative`, else pixels."""

    name: str
    threshold: float
    relative: bool

    def saturation(self, area: int) -> int:
        """Pixels of a defect of `area` pixels that count as the whole, from 1 to `area`.

        A share is rounded down and a number of pixels is capped, as in MVTec's evaluation.
        """
        pixels = int(self.threshold * area) if self.relative else int(self.threshold)
        return max(1, min(pixels, area))


def defect_rules(folder: Path) -> dict[int, DefectRule] | None:
    """By grey value in the masks, from the data set in `folder`; None when it has no such file.

    DatasetError when the file cannot be understood.
    """
    path = folder / DEFECTS_CONFIG_FILE
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DatasetError(f"Cannot read {path}: {error.strerror}.", fix=_AGAIN) from error
    try:
        return dict(_entry(entry) for entry in json.loads(content))
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
        raise DatasetError(f"{path} is no list of defects: {error}.", fix=_AGAIN) from error


_AGAIN = "Take it as published with MVTec LOCO, or remove it to do without saturated PRO."


def _entry(entry: dict[str, object]) -> tuple[int, DefectRule]:
    value, threshold = entry["pixel_value"], entry["saturation_threshold"]
    relative = entry["relative_saturation"]
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 255:
        raise ValueError(f"pixel_value is {value!r}, not a whole number from 1 to 255")
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not threshold > 0:
        raise ValueError(f"saturation_threshold is {threshold!r}, not above 0")
    if not isinstance(relative, bool):
        raise ValueError(f"relative_saturation is {relative!r}, neither true nor false")
    if relative and threshold > 1:
        raise ValueError(f"saturation_threshold is {threshold!r}, and a share is at most 1")
    return value, DefectRule(str(entry["defect_name"]), float(threshold), relative)
