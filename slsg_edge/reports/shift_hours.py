"""Verdicts by the hour as bars: good ones from the ground up, the others on top."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from html import escape

from slsg_edge.contracts import Outcome

_MOST_BARS = 96  # more hours are shown as days
_HOUR, _DAY = 3600, 86400
_LEGEND = (
    '<p class="note hours-key">From the ground up: <i class="good"></i>good, '
    '<i class="undecided"></i>undecided, <i class="anomalous"></i>anomalous</p>'
)
_ORDER: Sequence[Outcome] = ("good", "undecided", "anomalous")


def hours_chart(hours: Mapping[int, Counter[Outcome]], time_text: Callable[[float], str]) -> str:
    """Nothing where there is no verdict. hours: by the UTC second at which each begins."""
    if not hours:
        return ""
    step, bars = _bars(hours)
    first, last = min(bars), max(bars)
    count = (last - first) // step + 1
    highest = max(bar.total() for bar in bars.values())
    width = 100 / count
    drawn = "".join(
        _bar(bar, (start - first) // step * width, width, highest)
        for start, bar in sorted(bars.items())
    )
    unit = "hour" if step == _HOUR else "day"
    return (
        f'{_LEGEND}<svg class="hours" viewBox="0 0 100 100" preserveAspectRatio="none" role="img" '
        f'aria-label="Verdicts by the {unit}">{drawn}</svg><div class="hours-ends">'
        f"<span>{escape(time_text(first))}</span><span>by the {unit}; at most {highest}</span>"
        f"<span>{escape(time_text(last + step))}</span></div>"
    )


def _bars(hours: Mapping[int, Counter[Outcome]]) -> tuple[int, dict[int, Counter[Outcome]]]:
    """Seconds of a bar, and the bars by their beginning."""
    if (max(hours) - min(hours)) // _HOUR < _MOST_BARS:
        return _HOUR, dict(hours)
    days: dict[int, Counter[Outcome]] = {}
    for start, counts in hours.items():
        days.setdefault(start // _DAY * _DAY, Counter()).update(counts)
    return _DAY, days


def _bar(counts: Counter[Outcome], left: float, width: float, highest: int) -> str:
    shapes, ground = [], 100.0
    for outcome in _ORDER:
        height = 100 * counts[outcome] / highest
        ground -= height
        if height:
            shapes.append(
                f'<rect class="{outcome}" x="{left:.2f}" y="{ground:.2f}" '
                f'width="{0.9 * width:.2f}" height="{height:.2f}"/>'
            )
    return "".join(shapes)
