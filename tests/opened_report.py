"""What tests do to a report in a browser, and what Python counts on the same images."""

from dataclasses import replace

import numpy as np

from slsg_edge.contracts import Outcome
from slsg_edge.reports.case import Case
from slsg_edge.reports.layers import picture_of

STEPS = 1000
THRESHOLD = 0.5
SHOWN = "[...document.querySelectorAll('figure')].filter((each) => !each.hidden)"
NAMES = f"{SHOWN}.map((each) => each.querySelector('b').textContent)"
FOCUSED = "document.activeElement.closest('figure')?.querySelector('b').textContent"


def move_slider(tab, place):
    """As a hand does: it moves, then lets go."""
    tab.run(
        f"(() => {{ const slider = document.getElementById('slider'); slider.value = {place};"
        "slider.dispatchEvent(new Event('input')); slider.dispatchEvent(new Event('change')) })()"
    )


def text(tab, selector):
    return tab.run(f"document.querySelector({selector!r}).textContent")


def threshold_shown(tab):
    return float(text(tab, "#threshold"))


def judged(report, threshold):
    """The same images under another threshold."""

    def outcome(case):
        if case.score is None:
            return "undecided"
        return "anomalous" if case.score > threshold else "good"

    return [replace(case, outcome=outcome(case)) for case in report.cases]


def errors(cases, truth):
    return sum(case.wrong and case.truth == truth for case in cases)


def make_case(name: str, kind: str = "good", score: float | None = 0.1) -> Case:
    """A grey image with a hot corner, marked where it is defective."""
    outcome: Outcome = "undecided"
    if score is not None:
        outcome = "anomalous" if score > THRESHOLD else "good"
    image = np.full((40, 60, 3), 90, np.uint8)
    heat = np.zeros((40, 60), np.float32)
    heat[10:20, 10:20] = 1
    mask = None if kind == "good" else heat > 0
    reason = "it is empty" if score is None else None
    return Case(name, kind, outcome, score, picture_of(image, heat, mask), reason)
