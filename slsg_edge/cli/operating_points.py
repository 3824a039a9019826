"""The table of operating points: which thresholds there are, and what each would do."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slsg_edge.cli.text import plain_console
from slsg_edge.contracts import SIZES

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from slsg_edge.calibration.costs import Costs
    from slsg_edge.scoring import OperatingPoint, Threshold


def points_table(
    threshold: "Threshold", parts_per_day: int | None = None, costs: "Costs | None" = None
) -> "RenderableType":
    """A row for each point, the strictest first; the bundle's own is marked.

    What is found of each kind and size stands in rows of their own below, so that a line fits
    into a terminal.
    """
    from rich.console import Group

    main = _main_table(threshold.points, parts_per_day, costs)
    parts = _parts_table(threshold.points)
    return Group(main, "", parts) if parts else Group(main)


def _main_table(
    points: "Sequence[OperatingPoint]", parts_per_day: int | None, costs: "Costs | None"
) -> "Table":
    kinds = any(point.kinds for point in points)
    tested = any(point.defects for point in points)
    heads = (
        "",
        "false\nalarms",
        *([f"of {parts_per_day}\nparts a day"] if parts_per_day else []),
        "threshold",
        "90 % interval",
        *(["anomalies\nfound"] if kinds else []),
        *(["defects missed,\n95 % interval"] if tested else []),
        *(["cost\na part"] if costs else []),
    )
    rows = [
        (
            "chosen" if point.chosen else "",
            _rate(point.false_alarm_rate),
            *([_alarms(point, parts_per_day)] if parts_per_day else []),
            f"{point.threshold:.4g}",
            "{:.4g} to {:.4g}".format(*point.interval) if point.interval else "",
            *([_percent(point.found)] if kinds else []),
            *([_missed(point)] if tested else []),
            *([_cost(costs.expected(point))] if costs else []),
        )
        for point in points
    ]
    return _whole(heads, rows)


def _parts_table(points: "Sequence[OperatingPoint]") -> "Table | None":
    """What is found of each kind and size; None without simulated anomalies."""
    kinds = tuple(dict.fromkeys(kind for point in points for kind in point.kinds))
    sizes = tuple(size for size in SIZES if any(size in point.sizes for point in points))
    if not kinds:
        return None
    rows = [
        (
            _rate(point.false_alarm_rate),
            *(_percent(point.kinds.get(kind)) for kind in kinds),
            *(_percent(point.sizes.get(size)) for size in sizes),
        )
        for point in points
    ]
    return _whole(("found", *kinds, *sizes), rows)


def points_before_and_after(
    now: "Threshold", then: "Threshold | None", bad: Sequence[float]
) -> "Table":
    """The points of both by their rate, in short, and how many of the `bad` each would pass."""
    sides = [{point.false_alarm_rate: point for point in now.points}]
    sides += [{point.false_alarm_rate: point for point in then.points}] if then else []
    heads = ["false\nalarms"]
    for head in ("now", "with them")[: len(sides)]:
        heads += [head, *(["bad ones\nmissed"] if bad else [])]
    rows = [
        (_rate(rate), *(cell for side in sides for cell in _in_short(side.get(rate), bad)))
        for rate in sorted({rate for side in sides for rate in side})
    ]
    return _whole(heads, rows)


def _in_short(point: "OperatingPoint | None", bad: Sequence[float]) -> list[str]:
    from slsg_edge.calibration.defects import missed

    if point is None:
        return ["", *([""] if bad else [])]
    value = f"{'chosen ' if point.chosen else ''}{point.threshold:.4g}"
    return [value, *([f"{missed(bad, point.threshold)} of {len(bad)}"] if bad else [])]


def _whole(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> "Table":
    """As wide as it needs to be: nothing in it is broken or cut, whatever the terminal."""
    from rich.measure import measure_renderables
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    wide = plain_console()
    wide.width = 1000
    table.width = measure_renderables(wide, wide.options, [table]).maximum
    return table


def _rate(rate: float) -> str:
    return f"1 in {1 / rate:.0f}"


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


def _alarms(point: "OperatingPoint", parts: int) -> str:
    """How many of so many good parts."""
    return f"{point.false_alarm_rate * parts:,.1f}".removesuffix(".0")
