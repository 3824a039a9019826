"""A report on made-up images with errors of both kinds, and a browser to open it in."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browser import Browser, Page, find_browser
from opened_report import THRESHOLD, make_case

from slsg_edge.metrics.image_figures import image_figures, image_figures_by_kind
from slsg_edge.reports.case import Case
from slsg_edge.reports.evaluation_page import EvaluationReport

CENTRES = {"good": (-2.5, 14), "scratch": (1.5, 9), "missing_label": (2.5, 8)}  # logits, images


def make_cases() -> list[Case]:
    rng = np.random.default_rng(5)
    found = [
        make_case(f"{kind}/{index:03}.png", kind, float(1 / (1 + np.exp(-value))))
        for kind, (centre, count) in CENTRES.items()
        for index, value in enumerate(rng.normal(centre, 1.8, count))
    ]
    return [*found, make_case("scratch/099.png", "scratch", None)]


@pytest.fixture(scope="session")
def report() -> EvaluationReport:
    cases = make_cases()
    scores = [case.score for case in cases if case.score is not None]
    kinds = [case.kind for case in cases if case.score is not None]
    return EvaluationReport(
        "fuse on line 3",
        cases,
        THRESHOLD,
        image_figures(scores, kinds, replicates=50),
        image_figures_by_kind(scores, kinds, replicates=50),
        ("Undecided, so in no other figure: 1.",),
        {"bundle": "fuse.slsg"},
        "slsg-edge calibrate fuse.slsg --threshold",
    )


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = find_browser()
    if program is None:
        pytest.skip("no Chromium on this machine: apt install chromium")
    with Browser(program, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    """A tab of its own for each test; at its end nothing may have complained or gone out."""
    page = browser.page()
    page.look(1280)
    yield page
    complaints = page.complaints()
    page.close()
    assert complaints == []


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory, report: EvaluationReport) -> Path:
    from slsg_edge.reports.evaluation_page import evaluation_html

    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(evaluation_html(report), encoding="utf-8")
    return path
