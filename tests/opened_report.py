"""What tests do to a report in a browser, and what Python counts on the same images."""

from dataclasses import replace

STEPS = 1000
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
