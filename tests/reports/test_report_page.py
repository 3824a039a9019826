"""What stands on a report before, or without, any script."""

import base64
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from slsg_edge.reports.case import Case, worst_first
from slsg_edge.reports.evaluation_page import EvaluationReport, evaluation_html
from slsg_edge.reports.highlights import highlights_of
from slsg_edge.reports.page import breakable, page

VOID = {"meta", "img", "input", "wbr"}


class Seen(HTMLParser):
    """Every tag must be closed by its own; keeps the text and where pictures come from."""

    def __init__(self, html):
        super().__init__()
        self.open, self.text, self.sources = [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.sources += [value for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.sources += [value for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def bare(name, kind="good", score=0.1, outcome="good"):
    return Case(name, kind, outcome, score)


def data_of(html):
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html)
    return json.loads(found[1])


def test_the_outline_of_a_defect_is_explained_only_where_one_is_drawn(report):
    assert "where the defect is" in evaluation_html(report)
    cases = [
        replace(case, picture=case.picture and replace(case.picture, outline=""))
        for case in report.cases
    ]
    assert "where the defect is" not in evaluation_html(replace(report, cases=cases))


def test_every_tag_is_closed_and_everything_given_is_there(report):
    seen = Seen(evaluation_html(report))
    assert seen.open == []
    text = "".join(seen.text)
    names = [case.name for case in report.cases]
    for expected in (report.title, "fuse.slsg", "in no other figure: 1", "it is empty", *names):
        assert expected in text


def test_it_asks_for_nothing_from_anywhere(report):
    html = evaluation_html(report)
    assert not re.search(r"https?://|url\(|@import|<link|<script src", html)
    assert all(source.startswith(("data:image/", "#")) for source in Seen(html).sources)
    assert "default-src 'none'" in html


def test_only_the_script_of_the_page_may_run():
    assert "script-src 'none'" in page("x", ())
    assert re.search(r"script-src 'sha256-[\w+/]{43}='", page("x", (), "1 + 1"))


def test_an_image_is_stored_once_though_it_is_shown_twice(report):
    html = evaluation_html(report)
    assert html.count("data:image/jpeg") == len(report.cases)
    chosen = [each.case for each in highlights_of(worst_first(report.cases, 0.5))]
    assert html.count("data:image/webp") == len([*report.cases, *chosen])
    defective = [case for case in (*report.cases, *chosen) if case.kind != "good"]
    assert html.count('class="outline"') == 2 * len(defective)


def test_names_are_escaped_wherever_they_come_from():
    evil = '</script><script>alert("x")</script>&'
    cases = (replace(bare(evil, evil), reason=evil), bare("g.png"))
    html = evaluation_html(
        EvaluationReport(evil, cases, 0.5, {}, {evil: {}}, (evil,), {evil: evil}, evil)
    )
    assert html.count("<script") == 2
    seen = Seen(html)
    assert seen.open == []
    assert "".join(seen.text).count(evil) >= 6
    assert evil in data_of(html)["kinds"]


def test_verdicts_are_counted_per_kind_and_errors_are_marked(report):
    cases = (
        bare("g0"),
        bare("g1", score=0.7, outcome="anomalous"),
        bare("d0", "scratch", 0.99, "anomalous"),
        bare("d1", "scratch", 0.01),
        bare("d2", "scratch", None, "undecided"),
    )
    html = evaluation_html(replace(report, cases=cases))
    rows = re.findall(r'<tr data-kind="\d"><th>(\w+)<.*?</th><td>(\d)</td>(.*?)</tr>', html)
    found = {name: (count, re.findall(r'class="(\w*)">(\d)', cells)) for name, count, cells in rows}
    assert found == {
        "good": ("2", [("right", "1"), ("wrong", "1"), ("", "0")]),
        "scratch": ("3", [("wrong", "1"), ("right", "1"), ("", "1")]),
    }
    assert '<b id="alarms">1</b> <small id="alarms-of">of 2, 50.0%' in html
    assert '<b id="misses">1</b> <small id="misses-of">of 2, 50.0%' in html
    assert "Without a score: 1" in html


def test_the_worst_error_comes_first_and_the_narrowest_right_one_before_the_sure_ones(report):
    cases = worst_first(report.cases, 0.5)
    wrong = [case for case in cases if case.wrong]
    assert cases[: len(wrong)] == wrong
    assert cases[len(wrong)].outcome == "undecided"
    assert (
        wrong[0].name == min(wrong, key=lambda case: -abs(case.score - 0.5)).name
    )  # logits are even around 0.5
    html = evaluation_html(report)
    names = [case.name for case in cases]
    assert sorted(names, key=lambda name: html.index(f"<b>{breakable(name)}</b>")) == names


def test_only_the_images_with_a_picture_are_shown_and_the_rest_still_counts(report):
    cases = [*report.cases, *(bare(f"more/{index}") for index in range(500))]
    html = evaluation_html(replace(report, cases=cases))
    assert html.count("<figure") == len(report.cases)
    assert f"{len(report.cases)} are shown: the worst, and the clearest finds" in html
    assert len(data_of(html)["scores"]) == len(cases)


@pytest.mark.parametrize("score", [0.0, 1.0, 0.5, 1e-12, None, float("nan")])
def test_any_score_alone_makes_a_page(score):
    outcome = "good" if score is not None and score <= 0.5 else "undecided"
    html = evaluation_html(
        EvaluationReport("x", (bare("a.png", score=score, outcome=outcome),), 0.5, {})
    )
    assert Seen(html).open == []
    assert "No ROC curve" in html
    assert "No figure" in html


@pytest.mark.parametrize("threshold", [0.0, 0.9999999])
def test_a_threshold_at_the_very_end_makes_a_page(report, threshold):
    assert Seen(evaluation_html(replace(report, threshold=threshold))).open == []


def test_no_case_at_all_makes_a_page():
    assert Seen(evaluation_html(EvaluationReport("x", (), 0.5, {}))).open == []


def test_a_picture_is_whole(report):
    html = evaluation_html(report)
    picture = re.search(r"data:image/jpeg;base64,([\w+/=]+)", html)
    assert base64.b64decode(picture[1]).endswith(b"\xff\xd9")


def test_a_report_needs_no_torch_and_no_opencv():
    code = (
        "import sys, slsg_edge.reports.evaluation_page; "
        "sys.exit('torch' in sys.modules or 'cv2' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_names_that_are_no_utf_8_can_be_written(report):
    name = os.fsdecode(b"st\xfcck.png")
    html = page(name, (f"<p>{name}</p>",)).encode().decode()
    assert html.count(r"st\udcfcck.png") == 3
