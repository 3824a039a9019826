"""The threshold on a page: a slider, jumps to other thresholds, and what a threshold costs.

What is written here holds at the bundle's threshold; the page's script writes into the same
places when the slider moves.
"""

from collections.abc import Sequence
from html import escape

from slsg_edge.evaluation.next_step import threshold_text, threshold_warning
from slsg_edge.reports.axis import Axis, score_text
from slsg_edge.reports.case import Case, decided_scores, errors_of
from slsg_edge.scoring import Threshold

STEPS = 1000  # of the slider
PRESETS = {
    "bundle": "The bundle's",
    "no-miss": "Miss nothing",
    "no-alarm": "No false alarm",
}


def presets(good: Sequence[float], anomalous: Sequence[float]) -> str:
    """Buttons that jump to a threshold, where there is one from 0 to below 1."""
    possible = {
        "bundle": True,
        "no-miss": bool(anomalous) and min(anomalous) > 0,
        "no-alarm": bool(good) and max(good) < 1,
    }
    buttons = "".join(
        f'<button type="button" data-preset="{name}">{label}</button>'
        for name, label in PRESETS.items()
        if possible[name]
    )
    return f'<div class="controls presets live">{buttons}</div>'


def slider(cases: Sequence[Case], axis: Axis, threshold: float) -> str:
    """It stands under the histogram, at its width, and stays in sight while the page scrolls."""
    place = round(STEPS * axis.place(threshold))
    return (
        '<div class="threshold-bar"><input class="live" type="range" id="slider" min="0" '
        f'max="{STEPS}" value="{place}" aria-label="Threshold">'
        f"{_readings(cases, threshold)}</div>"
    )


def _readings(cases: Sequence[Case], threshold: float) -> str:
    good, defective = (len(decided_scores(cases, truth)) for truth in ("good", "anomalous"))
    alarms, misses = (errors_of(cases, truth) for truth in ("good", "anomalous"))
    readings = (
        ("threshold", "Threshold", score_text(threshold), "of the bundle"),
        ("alarms", "False alarms", str(alarms), _of(alarms, good)),
        ("misses", "Misses", str(misses), _of(misses, defective)),
        ("kept", "Good kept", str(good - alarms), _of(good - alarms, good)),
    )
    shown = (
        f'<div class="reading {name}{_zero(name, value)}"><dt>{label}</dt>'
        f'<dd><b id="{name}">{value}</b> <small id="{name}-of">{of}</small></dd></div>'
        for name, label, value, of in readings
    )
    return f'<dl class="readings">{"".join(shown)}</dl>'


def _zero(name: str, value: str) -> str:
    """No error is no alarm."""
    return " none" if name in ("alarms", "misses") and value == "0" else ""


def on_threshold(threshold: Threshold, cases: Sequence[Case]) -> str:
    """Where the bundle's threshold is from and how sure it is, with a warning where it matters."""
    warning = threshold_warning(threshold, cases)
    shown = f'<p class="warning"><b>Warning:</b> {escape(warning)}</p>' if warning else ""
    text = f"The bundle's threshold: {threshold_text(threshold)}."
    return f'<p class="note">{escape(text)}</p>{shown}'


def _of(count: int, total: int) -> str:
    return f"of {total}, {count / total:.1%}" if total else "of 0"


def take_over_note(command: str) -> str:
    """How another threshold gets into the bundle. `command` lacks its value only."""
    return (
        f'<p class="note live" id="take-over" data-command="{escape(command)}">'
        "This is the threshold of the bundle. Move the slider to see what another would do.</p>"
    )
