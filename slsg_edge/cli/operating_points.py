"""The table of operating points: which thresholds there are, and what each would do."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slsg_edge.calibration.defects import Costs, missed

if TYPE_CHECKING:
    from rich.table import Table

    from slsg_edge.scoring import OperatingPoint, Threshold

SIZES = ("small", "medium", "large")


def points_table(
    threshold: "Threshold", parts_per_day: int | None = None, costs: Costs | None = None
) -> "Table":
    """A row for each point, the strictest first; the bundle's own is marked."""
    from rich.table import Table

    points = threshold.points
    kinds = tuple(dict.fromkeys(kind for point in points for kind in point.kinds))
    sizes = tuple(size for size in SIZES if any(size in point.sizes for point in points))
    tested = any(point.defects for point in points)
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for head in (
        "false alarms",
        *([f"of {parts_per_day} parts a day"] if parts_per_day else []),
        "threshold",
        "90 % interval",
        *(["anomalies found"] if kinds else []),
        *kinds,
        *sizes,
        *(["defects missed, 95 % interval"] if tested else []),
        *(["cost a part"] if costs else []),
    ):
        table.add_column(head, justify="right")
    for point in points:
        table.add_row(
            "chosen" if point.chosen else "",
            f"1 in {1 / point.false_alarm_rate:.0f}",
            *([f"{point.false_alarm_rate * parts_per_day:.3g}"] if parts_per_day else []),
            f"{point.threshold:.4g}",
            "{:.4g} to {:.4g}".format(*point.interval) if point.interval else "",
            *([_percent(point.found)] if kinds else []),
            *(_percent(point.kinds.get(kind)) for kind in kinds),
            *(_percent(point.sizes.get(size)) for size in sizes),
            *([_missed(point)] if tested else []),
            *([_cost(costs.expected(point))] if costs else []),
        )
    return table


def points_before_and_after(
    now: "Threshold", then: "Threshold | None", bad: Sequence[float]
) -> "Table":
    """The points of both by their rate, in short, and how many of the `bad` each would pass."""
    from rich.table import Table

    sides = [{point.false_alarm_rate: point for point in now.points}]
    sides += [{point.false_alarm_rate: point for point in then.points}] if then else []
    table = Table(box=None, pad_edge=False)
    table.add_column("false alarms", justify="right")
    for head in ("now", "with them")[: len(sides)]:
        table.add_column(head, justify="right")
        if bad:
            table.add_column("bad ones missed", justify="right")
    for rate in sorted({rate for side in sides for rate in side}):
        cells = [cell for side in sides for cell in _in_short(side.get(rate), bad)]
        table.add_row(f"1 in {1 / rate:.0f}", *cells)
    return table


def _in_short(point: "OperatingPoint | None", bad: Sequence[float]) -> list[str]:
    if point is None:
        return ["", *([""] if bad else [])]
    value = f"{'chosen ' if point.chosen else ''}{point.threshold:.4g}"
    return [value, *([f"{missed(bad, point.threshold)} of {len(bad)}"] if bad else [])]


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def _missed(point: "OperatingPoint") -> str:
    """With the exact interval of the share."""
    from slsg_edge.metrics.intervals import exact_share

    if not point.defects or point.missed is None:
        return ""
    share = exact_share(point.missed, point.defects)
    return f"{point.missed} of {point.defects}, {100 * share.low:.0f} to {100 * share.high:.0f} %"


def _cost(cost: float | None) -> str:
    return "" if cost is None else f"{cost:.4g}"
