import base64
import re
import subprocess
import sys
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from slsg_edge.contracts import Outcome
from slsg_edge.report import LONGEST_SIDE, Case, report_html, worst_first

THRESHOLD = 0.5
VOID = {"meta", "img"}


class Page(HTMLParser):
    """Every tag must be closed by its own; keeps the text and the pictures."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.pictures: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.pictures.append(dict(attrs)["src"] or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def case(
    name: str, kind: str = "good", score: float | None = 0.1, outcome: Outcome | None = None
) -> Case:
    judged: Outcome = "undecided" if score is None else "good" if score <= 0.5 else "anomalous"
    image = np.full((40, 60, 3), 90, np.uint8)
    heat = np.zeros((40, 60), np.float32)
    heat[10:20, 10:20] = 1
    return Case(name, kind, outcome or judged, score, image, heat, heat > 0)


CASES = (
    case("g0.png", score=0.05),
    case("g1.png", score=0.7),
    case("d0.png", "scratch", 0.99),
    case("d1.png", "scratch", 0.001),
    case("d2.png", "swapped_fuses", None),
)


def page(cases: tuple[Case, ...] = CASES, title: str = "fuse") -> str:
    return report_html(title, {"AUROC": "0.98"}, cases, THRESHOLD, {"bundle": "a.slsg"})


def test_every_tag_is_closed_and_everything_given_is_there() -> None:
    seen = Page(page())
    assert seen.open == []
    text = "".join(seen.text)
    for expected in ("fuse", "AUROC", "0.98", "bundle", "a.slsg", *(one.name for one in CASES)):
        assert expected in text
    assert len(seen.pictures) == 2 * len(CASES)


def test_it_asks_for_nothing_from_anywhere() -> None:
    html = page()
    assert not re.search(r"https?://|//[a-z]|url\(|@import|<script|<link", html)
    assert all(source.startswith("data:image/jpeg;base64,") for source in Page(html).pictures)


def test_names_are_escaped_wherever_they_come_from() -> None:
    evil = '<script>alert("x")</script>&'
    cases = (case(evil, evil), case("g.png"))
    html = report_html(evil, {evil: evil}, cases, THRESHOLD, {evil: evil})
    assert "<script" not in html
    seen = Page(html)
    assert seen.open == []
    assert "".join(seen.text).count(evil) >= 8


def test_verdicts_are_counted_per_kind_and_errors_are_marked() -> None:
    html = page()
    row = re.search(r"<tr><th>scratch</th>(.*?)</tr>", html)
    assert row
    assert re.findall(r'<td(?: class="(.*?)")?>(\d+)</td>', row[1]) == [
        ("", "2"),
        ("wrong", "1"),
        ("right", "1"),
        ("", "0"),
    ]
    assert re.findall(r"<td>(\d+)</td>", html.partition("<tfoot>")[2].partition("</tfoot>")[0]) == [
        *("5", "2", "2", "1")
    ]


def test_the_worst_error_comes_first_and_the_narrowest_right_one_before_the_sure_ones() -> None:
    names = [one.name for one in worst_first(CASES, THRESHOLD)]
    assert names == ["d1.png", "g1.png", "d2.png", "g0.png", "d0.png"]
    html = page()
    assert sorted(names, key=lambda name: html.index(f"<b>{name}</b>")) == names


def test_the_histogram_shows_both_series_and_the_threshold() -> None:
    chart = page().partition("<svg")[2].partition("</svg>")[0]
    for series, bars in (("good", 2), ("anomalous", 2)):
        group = re.search(rf'<g class="bars {series}">(.*?)</g>', chart)
        assert group
        assert group[1].count("<rect") == bars
    assert "threshold 0.5" in chart
    assert "Without a score: 1" in page()


def test_scores_stand_on_their_side_of_the_threshold() -> None:
    chart = page((case("g.png", score=1e-6), case("d.png", "scratch", 1 - 1e-6)))
    left, right = (float(x) for x in re.findall(r'<rect x="([\d.]+)"', chart))
    line = re.search(r'class="threshold" d="M([\d.]+) ', chart)
    assert line
    assert left < float(line[1]) < right


@pytest.mark.parametrize("score", [0.0, 1.0, 0.5, None, float("nan")])
def test_any_score_alone_makes_a_page(score: float | None) -> None:
    outcome: Outcome = "good" if score == 0.0 else "undecided"
    assert Page(page((case("a.png", score=score, outcome=outcome),))).open == []


def test_no_case_at_all_makes_a_page() -> None:
    assert "No image has a score" in page(())


def test_pictures_are_small_and_the_second_one_shows_the_heat() -> None:
    image = np.full((900, 1600, 3), 60, np.uint8)
    heat = np.zeros((900, 1600), np.float32)
    heat[300:600, 400:800] = 1
    html = page((Case("big.png", "scratch", "anomalous", 0.9, image, heat),))
    plain, hot = (
        cv2.imdecode(
            np.frombuffer(base64.b64decode(source.partition(",")[2]), np.uint8), cv2.IMREAD_COLOR
        ).astype(int)
        for source in Page(html).pictures
    )
    assert plain.shape == hot.shape == (180, LONGEST_SIDE, 3)
    change = np.abs(hot - plain).sum(2)
    assert change[90, 120] > 100
    assert change[:, 250:].max() < 10


def test_a_mask_is_outlined_in_both_pictures() -> None:
    with_mask = Page(page((case("a.png", "scratch", 0.9),))).pictures
    one = case("a.png", "scratch", 0.9)
    bare = Case(one.name, one.kind, one.outcome, one.score, one.image, one.heat)
    without = Page(page((bare,))).pictures
    assert all(first != second for first, second in zip(with_mask, without, strict=True))


def test_a_report_needs_no_torch() -> None:
    code = "import sys, slsg_edge.report; sys.exit('torch' in sys.modules or 'cv2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
