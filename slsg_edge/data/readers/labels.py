"""What a list says of an image, whoever wrote it: a word, a number or a truth value.

Numbers count by their value and truth values as numbers: 0, 0.0 and false are good; 1, -1 and true
are defective. Empty fields, null and NaN say nothing.
"""

import math
from collections import Counter
from collections.abc import Iterable

from slsg_edge.contracts import GOOD
from slsg_edge.data.names import is_bad, is_good, printable
from slsg_edge.errors import DatasetError

DEFECT = "defect"

_NOTHING = frozenset({"", "nan", "null", "none", "na", "n/a", "#n/a", "<na>", "nat"})
_TRUTH = {"false": 0.0, "true": 1.0}
_SHOWN = 6  # labels in an error


def said(text: str) -> str:
    """The text without what stands for nothing: empty, null, NaN, None and n/a."""
    text = text.strip()
    return "" if text.casefold() in _NOTHING else text


def kind_of_label(label: str) -> str | None:
    """`good`, `defect` for a number, or the label itself; None where it says nothing."""
    label = said(label)
    if not label:
        return None
    number = _number(label)
    if number is not None:
        return {0.0: GOOD, 1.0: DEFECT, -1.0: DEFECT}.get(number, f"{number:g}")
    return GOOD if is_good(label) else printable(label)


def require_meaning(labels: Iterable[str], source: str) -> None:
    """DatasetError when nobody can know what the labels mean: none is good, and none is a word or
    a number for defects.
    """
    counts = Counter(said(label) for label in labels if said(label))
    known = any(is_bad(one) or kind_of_label(one) in (GOOD, DEFECT) for one in counts)
    if not counts or known:
        return
    shown = ", ".join(f"'{printable(one)}' ({count})" for one, count in counts.most_common(_SHOWN))
    more = " and more" if len(counts) > _SHOWN else ""
    raise DatasetError(
        f"{source} has no label that is known: {shown}{more}.",
        fix="Label good images good, normal, ok or 0, and defective ones bad or 1, with the kind "
        "of defect in a column 'kind', if you like.",
    )


def _number(label: str) -> float | None:
    if label.casefold() in _TRUTH:
        return _TRUTH[label.casefold()]
    try:
        number = float(label.replace(",", "."))
    except ValueError:
        return None
    return number if math.isfinite(number) else None
