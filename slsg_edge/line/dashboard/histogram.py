"""The scores of a station as a chart with the threshold on it: SVG without style or script."""

from collections.abc import Sequence
from html import escape

from slsg_edge.metrics.axis import Axis, axis_of, score_text

_BINS = 60
_WIDTH, _HEIGHT = 720, 212  # of the chart in its own units
_TOP, _BOTTOM = 52, 182  # of the bars


def histogram(
    scores: Sequence[float],
    threshold: float | None,
    undecided_above: float | None = None,
    proposed: float | None = None,
) -> str:
    """A sentence where nothing was inspected yet. Bars above the threshold are marked."""
    cuts = [cut for cut in (threshold, undecided_above, proposed) if cut is not None]
    if not scores:
        return '<p class="soft">No part was inspected yet.</p>'
    axis = axis_of([*scores, *cuts])
    label = f"Histogram of the scores of {len(scores)} inspected parts"
    if threshold is not None:
        label += f", threshold {score_text(threshold)}"
    parts = [
        *_bars(scores, axis, threshold, undecided_above),
        f'<path class="axis" d="M0 {_BOTTOM}H{_WIDTH}"/>',
        *_ticks(axis),
    ]
    if threshold is not None:
        parts.append(_cut(axis, threshold, "threshold", f"threshold {score_text(threshold)}", 19))
    if proposed is not None:
        parts.append(_cut(axis, proposed, "proposed", f"proposed {score_text(proposed)}", 43))
    return (
        f'<svg class="histogram" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )


def _bars(
    scores: Sequence[float], axis: Axis, threshold: float | None, above: float | None
) -> list[str]:
    counts = [0] * _BINS
    for score in scores:
        counts[min(_BINS - 1, max(0, int(axis.place(score) * _BINS)))] += 1
    width, tallest = _WIDTH / _BINS, max(counts)
    found = []
    for index, count in enumerate(counts):
        if count:
            height = max(1.5, (_BOTTOM - _TOP) * count / tallest)
            kind = _kind((index + 0.5) / _BINS, axis, threshold, above)
            found.append(
                f'<rect class="{kind}" x="{(index + 0.06) * width:.1f}" '
                f'y="{_BOTTOM - height:.1f}" width="{0.88 * width:.1f}" height="{height:.1f}">'
                f"<title>{count}</title></rect>"
            )
    return found


def _kind(place: float, axis: Axis, threshold: float | None, above: float | None) -> str:
    """What a part in the middle of a bar gets."""
    if threshold is not None and place > axis.place(threshold):
        return "anomalous"
    return "undecided" if above is not None and place > axis.place(above) else "good"


def _ticks(axis: Axis) -> list[str]:
    return [
        f'<text class="tick" x="{_x(axis, score):.1f}" y="{_BOTTOM + 22}" '
        f'text-anchor="middle">{score:g}</text>'
        for score in axis.ticks()
    ]


def _cut(axis: Axis, score: float, kind: str, text: str, height: int) -> str:
    x = _x(axis, score)
    side, offset = ("end", -6) if x > 0.7 * _WIDTH else ("start", 6)
    return (
        f'<path class="{kind}" d="M{x:.1f} {height - 15}V{_BOTTOM}"/>'
        f'<text class="cut {kind}" x="{x + offset:.1f}" y="{height}" '
        f'text-anchor="{side}">{escape(text)}</text>'
    )


def _x(axis: Axis, score: float) -> float:
    return min(1.0, max(0.0, axis.place(score))) * _WIDTH
