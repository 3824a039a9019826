"""The scores of good images upwards and of anomalous ones downwards, and the threshold.

Two directions rather than two colours alone: it reads in grey. The bars are SVG that stretches
to any width and the text is HTML over it, so that labels keep their size on a phone. Where the
threshold stands is the style sheet's `--cut`, which the page's script may move.
"""

from collections.abc import Sequence
from typing import NamedTuple

from slsg_edge.contracts import Outcome
from slsg_edge.metrics.axis import Axis, score_text

BINS = 48
MIDDLE, REACH = 50, 40  # of a height of 100: the line both stand on, and the longest bar


class Series(NamedTuple):
    """Scores of one truth."""

    truth: Outcome
    scores: Sequence[float]


def histogram(
    good: Sequence[float],
    anomalous: Sequence[float],
    axis: Axis,
    interval: tuple[float, float] | None = None,
) -> str:
    """A legend and the chart. Bars are shares of their own series, so that few are seen too.

    `interval`: where the threshold may belong, as a band behind the bars.
    """
    series = (Series("good", good), Series("anomalous", anomalous))
    counts = [_counts(each.scores, axis) for each in series]
    shares = [max(bins) / max(1, sum(bins)) for bins in counts]
    scale = REACH / max(*shares, 1e-9)
    label = f"Histogram of the scores of {len(good)} good and {len(anomalous)} anomalous images"
    bars = (_bars(each, bins, scale) for each, bins in zip(series, counts, strict=True))
    return "\n".join(
        (
            _legend(len(good), len(anomalous), interval is not None),
            f'<div class="histogram" role="img" aria-label="{label}"><div class="plot">',
            f'<div class="flagged"></div>{_band(interval, axis) if interval else ""}',
            *(f'<div class="tick" {_left(axis.place(score))}></div>' for score in axis.ticks()),
            '<svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">',
            *bars,
            f'<path class="axis" d="M0 {MIDDLE}H100"/></svg>',
            *(_tallest(each, bins, scale) for each, bins in zip(series, counts, strict=True)),
            '<span class="axis-title">share of the images</span><div class="cut"></div></div>',
            f'<div class="labels">{"".join(_label(score, axis) for score in axis.ticks())}</div>',
            '<div class="axis-title">anomaly score, 0 to 1 (logit scale)</div></div>',
        )
    )


def _legend(good: int, anomalous: int, band: bool) -> str:
    between = (
        '<span><i class="key between"></i>90 % interval of the threshold</span>' if band else ""
    )
    return (
        f'<div class="legend"><span><i class="key good"></i>upwards: good, {good} images</span>'
        f'<span><i class="key anomalous"></i>downwards: anomalous, {anomalous} images</span>'
        f"<span>bars: share of each</span>{between}</div>"
    )


def _band(interval: tuple[float, float], axis: Axis) -> str:
    """It ends where the axis does."""
    low, high = (min(1.0, max(0.0, axis.place(score))) for score in interval)
    return f'<div class="band" style="left:{100 * low:.2f}%;right:{100 * (1 - high):.2f}%"></div>'


def _counts(scores: Sequence[float], axis: Axis) -> list[int]:
    counts = [0] * BINS
    for score in scores:
        counts[min(BINS - 1, int(axis.place(score) * BINS))] += 1
    return counts


def _bars(series: Series, counts: list[int], scale: float) -> str:
    """One bar per bin, `scale` per share of the series."""
    width = 100 / BINS
    bars = []
    for index, count in enumerate(counts):
        if count:
            height = scale * count / sum(counts)
            top = MIDDLE - height if series.truth == "good" else MIDDLE
            bars.append(
                f'<rect x="{(index + 0.08) * width:.2f}" y="{top:.2f}" '
                f'width="{0.84 * width:.2f}" height="{height:.2f}"><title>{count}</title></rect>'
            )
    return f'<g class="{series.truth}">{"".join(bars)}</g>'


def _tallest(series: Series, counts: list[int], scale: float) -> str:
    """How many images the longest bar stands for, at its end."""
    if not any(counts):
        return ""
    count, index = max(counts), counts.index(max(counts))
    end = MIDDLE + scale * count / sum(counts) * (-1 if series.truth == "good" else 1)
    left = 100 * (index + 0.5) / BINS
    return (
        f'<span class="count {series.truth}" style="left:{left:.1f}%;top:{end:.1f}%">{count}</span>'
    )


def _label(score: float, axis: Axis) -> str:
    text = f"{score:g}" if 1e-4 <= score <= 0.9999 else score_text(score).rstrip("0")
    return f"<span {_left(axis.place(score))}>{text}</span>"


def _left(place: float) -> str:
    return f'style="left:{100 * place:.2f}%"'
