"""The ROC curve as inline SVG: which share of the defects is found at which share of false alarms.

Drawn in units of its own frame, 0 to 1, where the page's script moves the operating point.
"""

from collections.abc import Sequence

import numpy as np

from slsg_edge.metrics.ranking import tally

WIDTH, HEIGHT, LEFT, TOP, FRAME = 330, 312, 56, 10, 260
GRID = (0.0, 0.25, 0.5, 0.75, 1.0)


def roc_chart(good: Sequence[float], anomalous: Sequence[float], threshold: float) -> str:
    """An `<svg>`; a sentence where one of the classes has no score."""
    if not good or not anomalous:
        return '<p class="note">No ROC curve: it needs scores of good and of defective images.</p>'
    curve = roc_points(good, anomalous)
    line = "L".join(f"{x:.4f} {y:.4f}" for x, y in curve)
    point = [
        sum(score > threshold for score in scores) / len(scores) for scores in (good, anomalous)
    ]
    bottom = TOP + FRAME
    return "\n".join(
        (
            f'<svg class="chart roc" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            'aria-label="ROC curve with the operating point at the threshold">',
            *_grid(bottom),
            f'<g transform="translate({LEFT} {bottom}) scale({FRAME} -{FRAME})">',
            f'<path class="under" d="M{line}L1 0L0 0Z"/><path class="chance" d="M0 0L1 1"/>',
            f'<path class="curve" d="M{line}"/>',
            f'<path class="point" id="operating" d="M{point[0]:.4f} {point[1]:.4f}h0"/></g>',
            _text(LEFT + FRAME / 2, HEIGHT - 4, "false alarms, share of the good"),
            f'<g transform="translate(12 {TOP + FRAME / 2}) rotate(-90)">'
            f"{_text(0, 0, 'found, share of the defective')}</g></svg>",
        )
    )


def roc_points(good: Sequence[float], anomalous: Sequence[float]) -> list[tuple[float, float]]:
    """False-alarm rate and share found at every threshold, from the highest; corners only."""
    labels = np.repeat([False, True], [len(good), len(anomalous)])
    _, per_good, per_anomalous = tally([*good, *anomalous], labels)
    rates = [
        [0.0, *(counts[::-1].cumsum() / counts.sum()).tolist()]
        for counts in (per_good, per_anomalous)
    ]
    points = list(zip(*rates, strict=True))
    inner = [
        here
        for before, here, after in zip(points, points[1:], points[2:], strict=False)
        if not (before[0] == here[0] == after[0] or before[1] == here[1] == after[1])
    ]
    return [points[0], *inner, points[-1]]


def _grid(bottom: float) -> list[str]:
    marks = []
    for share in GRID:
        x, y = LEFT + FRAME * share, bottom - FRAME * share
        marks.append(f'<path class="tick" d="M{x:g} {TOP}V{bottom}M{LEFT} {y:g}h{FRAME}"/>')
        marks.append(_text(x, bottom + 18, f"{share:g}"))
        marks.append(_text(LEFT - 8, y + 4, f"{share:g}", "end"))
    return marks


def _text(x: float, y: float, content: str, anchor: str = "middle") -> str:
    return f'<text class="note" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{content}</text>'
