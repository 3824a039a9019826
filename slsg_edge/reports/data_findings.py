"""What was found about the data set, as a section of a page. Knows nothing about how."""

from collections.abc import Sequence
from html import escape

from slsg_edge.data.survey.finding import Finding
from slsg_edge.reports.page import section


def data_section(findings: Sequence[Finding]) -> str:
    """Nothing when there is nothing to say."""
    items = "".join(map(_item, findings))
    return section("Data", f'<ul class="data-findings">{items}</ul>', "long") if items else ""


def _item(finding: Finding) -> str:
    """The examples are folded away, since what to do is what counts."""
    return (
        f'<li><span class="severity {finding.severity}">{finding.severity}</span>'
        f"<div><b>{escape(finding.text)}.</b> {escape(finding.fix)}"
        f"{_examples(finding)}</div></li>"
    )


def _examples(finding: Finding) -> str:
    if not finding.examples:
        return ""
    lines = "".join(f"<li>{escape(example)}</li>" for example in finding.examples)
    shown = len(finding.examples)
    which = "which" if finding.count == shown else f"the first {shown}"
    return f"<details><summary>{which}</summary><ul>{lines}</ul></details>"
