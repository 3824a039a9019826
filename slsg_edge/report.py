"""A report: one HTML file with the figures, the verdicts, the scores and every inspected image.

Self-contained: it asks for nothing from anywhere and runs no script. Knows nothing about how the
figures were found.
"""

import base64
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from slsg_edge.contracts import GOOD, AnomalyMap, Image, Mask, Outcome
from slsg_edge.pictures import heat_overlay, outline
from slsg_edge.report_chart import score_chart
from slsg_edge.report_style import STYLE
from slsg_edge.scoring import logit

LONGEST_SIDE = 320  # pixels of a picture in the gallery
JPEG_QUALITY = 82
HEAT_STRENGTH = 0.75
OUTCOMES: tuple[Outcome, ...] = ("good", "anomalous", "undecided")


@dataclass(frozen=True, slots=True)
class Case:
    """One inspected image: `kind` is what it is, `outcome` the verdict; heat and mask fit it."""

    name: str
    kind: str
    outcome: Outcome
    score: float | None
    image: Image
    heat: AnomalyMap
    mask: Mask | None = None

    @property
    def truth(self) -> Outcome:
        return "good" if self.kind == GOOD else "anomalous"

    @property
    def wrong(self) -> bool:
        """A miss or a false alarm; undecided is neither."""
        return self.outcome not in (self.truth, "undecided")


def report_html(
    title: str,
    figures: Mapping[str, str],
    cases: Sequence[Case],
    threshold: float,
    provenance: Mapping[str, str],
) -> str:
    """The page. `figures` and `provenance` are label -> text, shown in their order."""
    verdicts = _section("Verdicts", f'<div class="scroll">{_verdict_table(cases)}</div>')
    scores = _section("Scores", _scores(cases, threshold))
    body = (
        f"<h1>{escape(title)}</h1>",
        _tiles(figures),
        f'<div class="columns">{verdicts}{scores}</div>',
        _gallery(cases, threshold),
        _section("Provenance", _provenance_table(provenance)),
    )
    head = (
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style>",
    )
    lines = ("<!doctype html>", '<html lang="en"><head>', *head, "</head><body><main>", *body)
    return "\n".join((*lines, "</main></body></html>", ""))


def worst_first(cases: Iterable[Case], threshold: float) -> list[Case]:
    """Errors, the most certain one first; then undecided; then the rest, narrowest margin first."""
    return sorted(cases, key=lambda case: _rank(case, threshold))


def _rank(case: Case, threshold: float) -> tuple[int, float, str]:
    score = _score(case)
    margin = 0.0 if score is None else abs(logit(score) - logit(threshold))
    if case.wrong:
        return 0, -margin, case.name
    return 1 if case.outcome == "undecided" else 2, margin, case.name


def _score(case: Case) -> float | None:
    return case.score if case.score is not None and math.isfinite(case.score) else None


def _section(heading: str, content: str, classes: str = "") -> str:
    return f'<section class="{classes}"><h2>{heading}</h2>\n{content}</section>'


def _tiles(figures: Mapping[str, str]) -> str:
    tiles = (
        f'<div class="tile"><dt>{escape(label)}</dt><dd>{escape(text)}</dd></div>'
        for label, text in figures.items()
    )
    return f'<dl class="tiles">{"".join(tiles)}</dl>'


def _verdict_table(cases: Sequence[Case]) -> str:
    """A row per kind, good first: how many images got which verdict."""
    kinds = sorted({case.kind for case in cases}, key=lambda kind: (kind != GOOD, kind))
    rows = (_verdict_row(kind, [case for case in cases if case.kind == kind]) for kind in kinds)
    heads = "".join(f"<th>{head}</th>" for head in ("kind", "images", *OUTCOMES))
    totals = (sum(case.outcome == outcome for case in cases) for outcome in OUTCOMES)
    total = "".join(f"<td>{count}</td>" for count in (len(cases), *totals))
    return (
        f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody>"
        f"<tfoot><tr><th>all</th>{total}</tr></tfoot></table>"
    )


def _verdict_row(kind: str, cases: Sequence[Case]) -> str:
    cells = [f"<td>{len(cases)}</td>"]
    for outcome in OUTCOMES:
        same = [case for case in cases if case.outcome == outcome]
        mark = "" if not same or outcome == "undecided" else "wrong" if same[0].wrong else "right"
        cells.append(f'<td class="{mark}">{len(same)}</td>')
    return f"<tr><th>{_words(kind)}</th>{''.join(cells)}</tr>"


def _scores(cases: Sequence[Case], threshold: float) -> str:
    by_truth: dict[Outcome, list[float]] = {"good": [], "anomalous": []}
    for case in cases:
        score = _score(case)
        if score is not None:
            by_truth[case.truth].append(score)
    chart = score_chart(by_truth["good"], by_truth["anomalous"], threshold)
    without = len(cases) - sum(map(len, by_truth.values()))
    note = f'<p class="note">Without a score: {without}.</p>' if without else ""
    return chart + note


def _gallery(cases: Sequence[Case], threshold: float) -> str:
    legend = (
        '<div class="legend"><span><i class="heat"></i>anomaly map, 0 to 1</span>'
        '<span><i class="mask"></i>where the defect is</span></div>'
    )
    parts = [legend]
    ranked = worst_first(cases, threshold)
    for rank, heading in enumerate(("Errors", "Undecided", "Correct")):
        group = [case for case in ranked if _rank(case, threshold)[0] == rank]
        parts.append(f"<h3>{heading} <small>{len(group)} of {len(cases)}</small></h3>")
        parts.append(f'<div class="cases">{"".join(map(_figure, group))}</div>')
    return _section("Images", "\n".join(parts), "gallery")


def _figure(case: Case) -> str:
    image, heat, mask = _reduced(case)
    pictures = [image, heat_overlay(image, heat, HEAT_STRENGTH)]
    if mask is not None:
        pictures = [outline(picture, mask) for picture in pictures]
    name = escape(case.name)
    tags = (
        f'<img src="{_data_uri(picture)}" alt="{what} {name}" loading="lazy">'
        for picture, what in zip(pictures, ("image", "anomaly map of"), strict=True)
    )
    score = _score(case)
    return (
        f'<figure class="{"wrong" if case.wrong else ""}"><div class="pair">{"".join(tags)}</div>'
        f"<figcaption><b>{name}</b>"
        f'<span class="score">{"no score" if score is None else f"{score:.4f}"}</span>'
        f'{_words(case.kind)} &rarr; <span class="badge {case.outcome}">{case.outcome}</span>'
        "</figcaption></figure>\n"
    )


def _words(kind: str) -> str:
    """A folder's name that a narrow table may break between words."""
    return escape(kind.replace("_", " "))


def _reduced(case: Case) -> tuple[Image, AnomalyMap, Mask | None]:
    """Image, heat and mask, none of them longer than LONGEST_SIDE."""
    import cv2

    height, width = case.image.shape[:2]
    scale = min(1.0, LONGEST_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    image = cv2.resize(case.image, size, interpolation=cv2.INTER_AREA)
    heat = cv2.resize(case.heat, size, interpolation=cv2.INTER_AREA)
    mask = case.mask
    if mask is not None:
        mask = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
    return np.asarray(image, np.uint8), np.asarray(heat, np.float32), mask


def _data_uri(picture: Image) -> str:
    import cv2

    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    done, content = cv2.imencode(".jpg", picture, options)
    if not done:
        raise ValueError(f"OpenCV cannot encode {picture.shape} as JPEG")
    return "data:image/jpeg;base64," + base64.b64encode(content.tobytes()).decode()


def _provenance_table(provenance: Mapping[str, str]) -> str:
    rows = (
        f"<tr><th>{escape(label)}</th><td>{escape(text)}</td></tr>"
        for label, text in provenance.items()
    )
    return f'<table class="provenance"><tbody>{"".join(rows)}</tbody></table>'
