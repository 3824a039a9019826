"""The threshold on a page: a slider, jumps to other thresholds, and what a threshold costs.

What is written here holds at the bundle's threshold; the page's script writes into the same
places when the slider moves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from slsg_edge.calibration.operating_points import found_share, weakness
from slsg_edge.evaluation.next_step import threshold_text, threshold_warning
from slsg_edge.metrics.axis import Axis, score_text
from slsg_edge.reports.case import Case, decided_scores, errors_of
from slsg_edge.scoring import OperatingPoint, Threshold

STEPS = 1000  # of the slider
PRESETS = {
    "bundle": "The bundle's",
    "no-miss": "Miss nothing",
    "no-alarm": "No false alarm",
}


@dataclass(frozen=True, slots=True)
class PointOnPage:
    """An operating point, and the command that takes its threshold into the bundle."""

    point: OperatingPoint
    command: str

    @property
    def rate(self) -> str:
        return f"1 in {1 / self.point.false_alarm_rate:.0f}"


def point_buttons(points: Sequence[PointOnPage]) -> str:
    """Buttons that jump to the operating points; nothing where there is none."""
    if not points:
        return ""
    buttons = "".join(
        f'<button type="button" data-threshold="{each.point.threshold!r}">{_point_text(each)}'
        "</button>"
        for each in points
    )
    return (
        '<div class="controls points live"><span class="note">Good parts rejected, and simulated '
        f"anomalies found:</span>{buttons}</div>"
    )


def _point_text(each: PointOnPage) -> str:
    own = " (the bundle's)" if each.point.chosen else ""
    found = "" if each.point.found is None else f", {each.point.found:.0%} found"
    return f"{each.rate}{own}{found}"


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


def slider(
    cases: Sequence[Case],
    axis: Axis,
    threshold: float,
    judged_by: Threshold | None = None,
    points: Sequence[PointOnPage] = (),
) -> str:
    """It stands under the histogram, at its width, and stays in sight while the page scrolls.

    points: marked on it.
    """
    place = round(STEPS * axis.place(threshold))
    marks = "".join(
        f'<i style="left:{100 * axis.place(each.point.threshold):.2f}%" '
        f'title="{_point_text(each)}"></i>'
        for each in points
    )
    return (
        f'<div class="threshold-bar"><div class="stops live">{marks}</div>'
        '<input class="live" type="range" id="slider" min="0" '
        f'max="{STEPS}" value="{place}" aria-label="Threshold">'
        f"{_readings(cases, threshold, judged_by)}</div>"
    )


def _readings(cases: Sequence[Case], threshold: float, judged_by: Threshold | None) -> str:
    good, defective = (len(decided_scores(cases, truth)) for truth in ("good", "anomalous"))
    alarms, misses = (errors_of(cases, truth) for truth in ("good", "anomalous"))
    kept = sum(case.truth == case.outcome == "good" for case in cases)
    readings = (
        ("threshold", "Threshold", score_text(threshold), "of the bundle"),
        ("alarms", "False alarms", str(alarms), _of(alarms, good)),
        ("misses", "Misses", str(misses), _of(misses, defective)),
        ("kept", "Good kept", str(kept), _of(kept, good)),
        *_found(threshold, judged_by),
    )
    shown = (
        f'<div class="reading {name}{_zero(name, value)}"><dt>{label}</dt>'
        f'<dd><b id="{name}">{value}</b> <small id="{name}-of">{of}</small></dd></div>'
        for name, label, value, of in readings
    )
    return f'<dl class="readings">{"".join(shown)}</dl>'


def _found(threshold: float, judged_by: Threshold | None) -> list[tuple[str, str, str, str]]:
    """The share of simulated anomalies above the threshold; nothing where there are none."""
    simulated = judged_by.simulated if judged_by else {}
    share = found_share(simulated, threshold)
    if share is None:
        return []
    count = sum(map(len, simulated.values()))
    return [("found", "Simulated found", f"{share:.1%}", f"of {count}")]


def _zero(name: str, value: str) -> str:
    """No error is no alarm."""
    return " none" if name in ("alarms", "misses") and value == "0" else ""


def on_threshold(threshold: Threshold, cases: Sequence[Case]) -> str:
    """Where the bundle's threshold is from and how sure it is, with a warning where it matters."""
    warnings = filter(None, (weakness(threshold), threshold_warning(threshold, cases)))
    shown = (f'<p class="warning"><b>Warning:</b> {escape(text)}</p>' for text in warnings)
    notes = [f"The bundle's threshold: {threshold_text(threshold)}."]
    if threshold.undecided_above is not None:
        notes.append(
            f"Scores above {score_text(threshold.undecided_above)} that are not above it are "
            "undecided."
        )
    if threshold.simulated:
        notes.append(
            "Simulated found: of the anomalies that its choice was tried on, each kind and size "
            "counting alike. They are no real defects."
        )
    return "".join((*(f'<p class="note">{escape(text)}</p>' for text in notes), *shown))


def _of(count: int, total: int) -> str:
    return f"of {total}, {count / total:.1%}" if total else "of 0"


def take_over_note(command: str) -> str:
    """How another threshold gets into the bundle. `command` lacks its value only."""
    return (
        f'<p class="note live" id="take-over" data-command="{escape(command)}">'
        "This is the threshold of the bundle. Move the slider to see what another would do.</p>"
    )
