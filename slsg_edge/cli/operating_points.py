"""The table of operating points: which thresholds there are, and what each would do."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from slsg_edge.scoring import OperatingPoint, Threshold

SIZES = ("small", "medium", "large")


def points_table(threshold: "Threshold", parts_per_day: int | None = None) -> "Table":
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
        *(["defects missed"] if tested else []),
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
        )
    return table


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def _missed(point: "OperatingPoint") -> str:
    return "" if point.defects is None else f"{point.missed} of {point.defects}"
