"""Metrics with their confidence intervals: as tiles, and as a table with a row for each kind.

An interval is drawn as well as written, on a scale from 0 to 1.
"""

from collections.abc import Iterable, Mapping, Sequence

from slsg_edge.metrics.image_figures import IMAGE_METRICS, MISS_RATES
from slsg_edge.metrics.intervals import Figure, Figures
from slsg_edge.metrics.regions import PRO_LIMIT
from slsg_edge.metrics.saturated import QUOTED_SPRO_LIMIT, SPRO_LIMITS
from slsg_edge.reports.glossary import MEANINGS, term
from slsg_edge.reports.page import words

ALL = "all kinds"
QUOTED_SPRO = f"spro_{QUOTED_SPRO_LIMIT}"
LABELS: Mapping[str, str] = {
    "image_auroc": "image AUROC",
    "image_auroc_delong": "image AUROC, DeLong",
    "image_aupr": "image AUPR",
    "f1_max": "F1-max",
    "pixel_auroc": "pixel AUROC",
    "pixel_aupr": "pixel AUPR",
    "aupro": f"AUPRO to {PRO_LIMIT:.0%}",
    **{f"spro_{limit}": f"sPRO to {limit:.0%}" for limit in SPRO_LIMITS},
    **{f"good_kept_at_{rate:.0%}_missed": f"good kept, {rate:.0%} missed" for rate in MISS_RATES},
    **{
        f"false_alarm_rate_at_{rate:.0%}_missed": f"false alarms, {rate:.0%} missed"
        for rate in MISS_RATES
    },
}
HEADLINES = (
    *("image_auroc", "f1_max", "good_kept_at_5%_missed", "pixel_auroc", "aupro"),
    QUOTED_SPRO,
)
COLUMNS = ("image_auroc", "image_aupr", "f1_max", "pixel_auroc", "aupro", QUOTED_SPRO)


def known(figures: Figures, names: Iterable[str] = LABELS) -> dict[str, Figure]:
    """Those of `names` that could be measured, in the order of `names`."""
    wanted = ((name, figures.get(name)) for name in names)
    return {name: figure for name, figure in wanted if figure is not None}


def figure_text(figure: Figure) -> str:
    """Value and interval on one line."""
    return f"{figure.value:.4f} ({figure.low:.4f} to {figure.high:.4f})"


def explained(label: str) -> str:
    """A label of a figure, also of one kind of defect, with what it means behind a `?`."""
    name, _, _ = label.partition(", ")
    by_label = {text: MEANINGS[key] for key, text in LABELS.items()}
    errors = {"false alarms": MEANINGS["false_alarms"], "misses": MEANINGS["misses"]}
    return term(label, by_label.get(label) or by_label.get(name) or errors.get(name, ""))


def figure_tiles(figures: Figures) -> str:
    """The figures that people ask for first."""
    shown = (
        f'<div class="tile"><dt>{_term(name)}</dt><dd>{figure.value:.4f}</dd>'
        f"{_interval(figure)}</div>"
        for name, figure in known(figures, HEADLINES).items()
    )
    return f'<dl class="tiles figures">{"".join(shown)}</dl>'


def kind_table(figures: Figures, kinds: Mapping[str, Figures]) -> str:
    """A row over all kinds and one for each, when there are several; known columns only."""
    rows = {ALL: figures, **kinds} if len(kinds) > 1 else kinds or {ALL: figures}
    columns = [name for name in COLUMNS if any(known(row, [name]) for row in rows.values())]
    if not columns:
        return '<p class="note">No figure: the notes below say why.</p>'
    heads = ("kind", *map(_term, columns))
    return f"{_table(heads, rows, columns)}{_note(rows)}"


def full_table(figures: Figures) -> str:
    """Every metric over all kinds, folded away."""
    rows = "".join(
        f"<tr><th>{_term(name)}</th>{_cell(LABELS[name], figure)}</tr>"
        for name, figure in known(figures).items()
    )
    if not rows:
        return ""
    return (
        f"<details><summary>Every metric, {ALL}</summary>"
        f'<table class="every"><tbody>{rows}</tbody></table></details>'
    )


def _term(name: str) -> str:
    return term(LABELS[name], MEANINGS[name])


def _table(heads: Sequence[str], rows: Mapping[str, Figures], columns: Sequence[str]) -> str:
    head = "".join(f"<th>{text}</th>" for text in heads)
    body = "".join(
        f"<tr><th>{words(kind)}</th>"
        + "".join(_cell(LABELS[name], row.get(name)) for name in columns)
        + "</tr>"
        for kind, row in rows.items()
    )
    return f'<table class="by-kind"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _cell(label: str, figure: Figure | None) -> str:
    if figure is None:
        return f'<td data-label="{label}">not known</td>'
    return f'<td data-label="{label}"><b>{figure.value:.4f}</b>{_interval(figure)}</td>'


def _interval(figure: Figure) -> str:
    places = "".join(
        f"--{name}:{100 * value:.1f}%;"
        for name, value in (("low", figure.low), ("value", figure.value), ("high", figure.high))
    )
    return (
        f'<small class="interval"><span class="range">{figure.low:.3f} to {figure.high:.3f}</span>'
        f'<i class="whisker" style="{places}"></i></small>'
    )


def _note(rows: Mapping[str, Figures]) -> str:
    text = "Ranges: 95 % confidence, bootstrap over images. Bars run from 0 to 1."
    shown = [figure for row in rows.values() for figure in known(row, IMAGE_METRICS).values()]
    if any(figure.low == figure.high for figure in shown):
        text += (
            " A range of no width means that these images show no spread, and not that more "
            "images would show none."
        )
    return f'<p class="note">{text}</p>'
