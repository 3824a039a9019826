"""What INT8 buys and costs, as a page: a chart and a table with a row for each group of layers."""

from collections.abc import Sequence
from html import escape

from slsg_edge.calibration.sensitivity import Int8Damage
from slsg_edge.reports.page import page, provenance_table, section, table, tiles
from slsg_edge.stages.int8 import GroupReport, Quantised

HEADS = ("group of layers", "as", "work", "MB saved", "map moves", "rank", "AUROC drop")
WIDTH, BAR, ROW = 720, 170, 24  # pixels of the chart, the longest bar, a line
LEFT, RIGHT = 310, 545  # where the bars begin


def int8_page(title: str, found: Quantised, command: str) -> str:
    """The HTML of a report on an INT8 graph."""
    return page(
        title,
        (
            tiles(figures_of(found)) + _tested(found),
            section("What each group buys and costs", _chart(found.groups) + _note(found)),
            section("Groups", table(HEADS, rows_of(found))),
            section("Provenance", provenance_table({"command": command})),
        ),
    )


def figures_of(found: Quantised) -> dict[str, str]:
    """Name and value of each figure of the whole graph, for people."""
    damage = found.damage
    figures = {
        "size of the file": f"{found.megabytes:.1f} MB, "
        f"{found.megabytes / found.reference_mb:.0%} of FP32",
        "multiply-adds in INT8": f"{found.share:.0%}",
        "AUROC drop": f"{100 * damage.auroc_drop:+.2f} points",
        "rank of scores": _rank(damage),
        "golden verdicts changed": str(damage.verdicts),
    }
    if found.test is not None:
        figures["AUROC on test images"] = f"FP32 {found.test.fp32:.4f}, INT8 {found.test.int8:.4f}"
    return figures


def rows_of(found: Quantised) -> list[tuple[str, ...]]:
    """A row of texts for each group, under HEADS; AUROC in points, work in multiply-adds."""
    return [
        (
            group.name,
            "INT8" if group.int8 else "FP16",
            f"{group.share:.1%}",
            f"{group.saved_mb:.2f}",
            f"{group.alone.map_mean:.1e}",
            _rank(group.alone),
            f"{100 * group.alone.auroc_drop:+.2f}",
        )
        for group in found.groups
    ]


def _rank(damage: Int8Damage) -> str:
    return "not known" if damage.rank is None else f"{damage.rank:.4f}"


def _tested(found: Quantised) -> str:
    return "" if found.test is None else f'<p class="note">{escape(str(found.test))}</p>'


def _note(found: Quantised) -> str:
    what = f"{found.compared} good images and of an anomaly simulated in each"
    return (
        '<p class="note">To the left, the share of all multiply-adds: what INT8 may speed up. To '
        f"the right, how far it alone moves the anomaly maps of {what}: what it costs. Groups in "
        "colour are INT8; grey ones stay in FP16 to keep within the budget.</p>"
    )


def _chart(groups: Sequence[GroupReport]) -> str:
    """Two bars a group, away from its name: what it buys and what it costs."""
    shares = [group.share for group in groups]
    costs = [group.alone.map_mean for group in groups]
    lines = [
        _line(index, group, share / max(shares), cost / (max(costs) or 1))
        for index, (group, share, cost) in enumerate(zip(groups, shares, costs, strict=True))
    ]
    height = ROW * (len(groups) + 1)
    label = "Share of the multiply-adds and damage of each group of layers"
    heads = _text(LEFT, 14, "buys", "note") + _text(RIGHT, 14, "costs", "note")
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}">'
        f"{heads}{''.join(lines)}</svg>"
    )


def _line(index: int, group: GroupReport, buys: float, costs: float) -> str:
    top = ROW * (index + 1)
    colours = ("good", "anomalous") if group.int8 else ("kept", "kept")
    return "".join(
        (
            _text(0, top + 15, group.name, ""),
            _bar(LEFT, top, buys, colours[0]),
            _text(LEFT - 50, top + 15, f"{group.share:.0%}", "note"),
            _bar(RIGHT, top, costs, colours[1]),
            _text(RIGHT - 58, top + 15, f"{group.alone.map_mean:.0e}", "note"),
        )
    )


def _bar(x: float, top: float, share: float, colour: str) -> str:
    return (
        f'<g class="{colour}"><rect x="{x}" y="{top + 3}" width="{max(1, BAR * share):.1f}" '
        f'height="{ROW - 8}"/></g>'
    )


def _text(x: float, y: float, content: str, classes: str) -> str:
    return f'<text class="{classes}" x="{x}" y="{y}">{escape(content)}</text>'
