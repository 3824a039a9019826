"""What INT8 buys and costs, as a page: a chart and a table with a row for each group of layers."""

import math
from collections.abc import Sequence
from html import escape

from slsg_edge.bench.int8 import int8_gain
from slsg_edge.bench.race import LatencyComparison
from slsg_edge.calibration.sensitivity import Int8Damage
from slsg_edge.reports.glossary import term
from slsg_edge.reports.page import page, provenance_table, section, table, tiles
from slsg_edge.stages.int8 import GroupReport, Quantised

HEADS = ("group of layers", "runs as", "work", "MB saved", "maps move by", "rank", "AUROC drop")
MEANINGS = {
    "work": "The share of all multiplications and additions that is in this group. INT8 makes "
    "these quicker, so a large share is where it pays.",
    "MB saved": "By how much this group alone makes the file smaller.",
    "maps move by": "The mean change of a pixel of the anomaly map, of its full range of 0 to 1, "
    "where this group alone is in INT8.",
    "rank": "Whether images keep their order by score where this group alone is in INT8. 1: all "
    "of them.",
    "AUROC drop": "By how many points of 100 good images and simulated anomalies are told apart "
    "worse where this group alone is in INT8.",
}
WIDTH, BAR, ROW = 720, 150, 24  # pixels of the chart, the longest bar, a line
LEFT, RIGHT = 310, 545  # where the bars begin


def int8_page(
    title: str, found: Quantised, command: str, latency: LatencyComparison | None = None
) -> str:
    """The HTML of a report on an INT8 graph."""
    heads = [term(head, MEANINGS.get(head, "")) for head in HEADS]
    return page(
        title,
        (
            f"<p><b>{escape(int8_gain(latency))}.</b></p>" if latency else "",
            tiles(figures_of(found)) + _tested(found),
            section("Speed on this machine", _timed(latency)) if latency else "",
            section("What each group buys and costs", _chart(found.groups) + _note(found)),
            section("Groups", table(heads, rows_of(found), as_html=True)),
            section("Provenance", provenance_table({"command": command})),
        ),
    )


def figures_of(found: Quantised, latency: LatencyComparison | None = None) -> dict[str, str]:
    """Name and value of each figure of the whole graph, for people."""
    damage = found.damage
    figures = {"speed": int8_gain(latency)} if latency else {}
    figures |= {
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
            share_text(group.alone.map_mean),
            _rank(group.alone),
            f"{100 * group.alone.auroc_drop:+.2f}",
        )
        for group in found.groups
    ]


def share_text(share: float) -> str:
    """In percent with two digits that count, as `0.32 %`."""
    percent = 100 * share
    if percent < 0.001:
        return "under 0.001 %" if percent else "0 %"
    return f"{percent:.0f} %" if percent >= 10 else f"{percent:.{_decimals(percent)}f} %"


def _decimals(percent: float) -> int:
    return 1 - math.floor(math.log10(percent))


def _rank(damage: Int8Damage) -> str:
    return "not known" if damage.rank is None else f"{damage.rank:.4f}"


def _timed(latency: LatencyComparison) -> str:
    rows = [
        (each.backend, f"{each.median:.2f}", f"{each.p95:.2f}", f"{each.speedup:.2f}")
        for each in latency.backends
    ]
    machine = latency.machine
    return (
        f"{table(('', 'median ms a part', 'p95 ms', 'times as fast'), rows)}"
        f'<p class="note">{latency.frames} frames through each, in turn, on '
        f"{escape(machine.cpu)}, {machine.cores} cores.</p>"
    )


def _tested(found: Quantised) -> str:
    return "" if found.test is None else f'<p class="note">{escape(str(found.test))}</p>'


def _note(found: Quantised) -> str:
    what = f"{found.compared} good images and of an anomaly simulated in each"
    return (
        '<p class="note"><b>Buys</b>: its share of all multiply-adds, which INT8 makes quicker. '
        f"<b>Costs</b>: by how much it alone moves the anomaly maps of {what}. Groups in colour "
        "are INT8; grey ones stay in FP16 to keep within the budget.</p>"
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
    heads = _text(LEFT, 14, "buys: share of work", "note")
    heads += _text(RIGHT, 14, "costs: maps move by", "note")
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}">'
        f"{heads}{''.join(lines)}</svg>"
    )


def _line(index: int, group: GroupReport, buys: float, costs: float) -> str:
    top = ROW * (index + 1)
    colours = ("buys", "costs") if group.int8 else ("kept", "kept")
    return "".join(
        (
            _text(0, top + 15, group.name, ""),
            _bar(LEFT, top, buys, colours[0]),
            _text(LEFT - 50, top + 15, f"{group.share:.0%}", "note"),
            _bar(RIGHT, top, costs, colours[1]),
            _text(RIGHT - 64, top + 15, share_text(group.alone.map_mean), "note"),
        )
    )


def _bar(x: float, top: float, share: float, colour: str) -> str:
    return (
        f'<g class="{colour}"><rect x="{x}" y="{top + 3}" width="{max(1, BAR * share):.1f}" '
        f'height="{ROW - 8}"/></g>'
    )


def _text(x: float, y: float, content: str, classes: str) -> str:
    return f'<text class="{classes}" x="{x}" y="{y}">{escape(content)}</text>'
