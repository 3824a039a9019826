"""The score histogram of a report as inline SVG: good images upwards, anomalous ones downwards.

Scores crowd near 0 and 1, so the axis is even in logits and labelled in scores. Colours come from
the page's style sheet, by class. Two directions rather than two colours alone: it reads in grey.
"""

from collections.abc import Sequence

from slsg_edge.scoring import logit

WIDTH, HEIGHT = 520, 276
LEFT, RIGHT = 12, 508
AXIS = 132  # y of the line that both series stand on
REACH = 92  # pixels of the longest bar
BINS = 36
SMALLEST_SPAN = 2.0  # logits
LABEL_ROOM = 40  # pixels between two labels of the axis
TICKS = (
    *(1e-6, 1e-5, 1e-4, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999),
    *(0.9999, 0.99999, 0.999999),
)


def score_chart(good: Sequence[float], anomalous: Sequence[float], threshold: float) -> str:
    """A legend and an `<svg>`; with no score at all, a sentence instead."""
    scores = [logit(score) for score in (*good, *anomalous)]
    if not scores:
        return "<p>No image has a score.</p>"
    span = _span([*scores, logit(threshold)])
    counts = [_counts(series, span) for series in (good, anomalous)]
    tallest = max(max(series) for series in counts)
    label = f"Histogram of the scores of {len(good)} good and {len(anomalous)} anomalous images"
    parts = (
        _legend(len(good), len(anomalous)),
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">',
        *_ticks(span),
        _bars(counts[0], "good", -REACH / tallest),
        _bars(counts[1], "anomalous", REACH / tallest),
        f'<path class="axis" d="M{LEFT} {AXIS}H{RIGHT}"/>',
        _threshold_line(threshold, span),
        _text((LEFT + RIGHT) / 2, HEIGHT - 6, "image score (spaced by logit)", "note"),
        "</svg>",
    )
    return "\n".join(parts)


def _legend(good: int, anomalous: int) -> str:
    return (
        f'<div class="legend"><span><i class="key good"></i>upwards: good, {good} images</span>'
        f'<span><i class="key anomalous"></i>downwards: anomalous, {anomalous} images</span></div>'
    )


def _span(values: list[float]) -> tuple[float, float]:
    """The ends of the axis in logits, a little beyond the values."""
    low, high = min(values), max(values)
    margin = max(0.04 * (high - low), (SMALLEST_SPAN - (high - low)) / 2)
    return low - margin, high + margin


def _counts(scores: Sequence[float], span: tuple[float, float]) -> list[int]:
    counts = [0] * BINS
    for score in scores:
        share = (logit(score) - span[0]) / (span[1] - span[0])
        counts[min(BINS - 1, int(share * BINS))] += 1
    return counts


def _place(score: float, span: tuple[float, float]) -> float:
    """The x of a score."""
    return LEFT + (RIGHT - LEFT) * (logit(score) - span[0]) / (span[1] - span[0])


def _bars(counts: list[int], series: str, scale: float) -> str:
    """One bar per bin, `scale` pixels per image, upwards when negative; a number on the longest."""
    width = (RIGHT - LEFT) / BINS
    bars = []
    for index, count in enumerate(counts):
        if count:
            top, height = min(AXIS, AXIS + scale * count), abs(scale) * count
            bars.append(
                f'<rect x="{LEFT + index * width + 0.5:.1f}" y="{top:.1f}" '
                f'width="{width - 1:.1f}" height="{height:.1f}"><title>{count}</title></rect>'
            )
    longest = max(counts)
    if longest:
        end = AXIS + scale * longest + (-4 if scale < 0 else 11)
        x = LEFT + (counts.index(longest) + 0.5) * width
        bars.append(_text(x, end, str(longest), "note"))
    return f'<g class="bars {series}">{"".join(bars)}</g>'


def _ticks(span: tuple[float, float]) -> list[str]:
    """Lines and labels; the labels stand below everything, since bars hang from the axis."""
    marks: list[str] = []
    last = -float(LABEL_ROOM)
    for score in TICKS:
        x = _place(score, span)
        if LEFT + 12 <= x <= RIGHT - 12 and x - last >= LABEL_ROOM:
            marks.append(f'<path class="tick" d="M{x:.1f} {AXIS - REACH}V234"/>')
            marks.append(_text(x, 252, f"{score:g}" if score >= 1e-4 else f"{score:.0e}", "note"))
            last = x
    return marks


def _threshold_line(threshold: float, span: tuple[float, float]) -> str:
    x = _place(threshold, span)
    anchor = "start" if x < WIDTH / 2 else "end"
    text = _text(x + (5 if anchor == "start" else -5), 16, f"threshold {threshold:.4g}", "", anchor)
    return f'<path class="threshold" d="M{x:.1f} 6V234"/>{text}'


def _text(x: float, y: float, content: str, classes: str, anchor: str = "middle") -> str:
    return (
        f'<text class="{classes}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{content}</text>'
    )
