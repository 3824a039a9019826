"""A report in a real browser where room or means are few: phone, paper, no script, no images."""

import shutil
import subprocess
from dataclasses import replace

import pytest
from opened_report import NAMES, move_slider, text, threshold_shown

from slsg_edge.reports.evaluation_page import evaluation_html


@pytest.mark.parametrize("width", [360, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_scrolls_down_only(tab, written, width, scheme):
    tab.look(width, 844, scheme, phone=True)
    tab.open(written)
    assert tab.run("document.documentElement.scrollWidth") == width
    too_wide = (
        "[...document.querySelectorAll('main *')].filter((each) => !each.closest('svg, dialog') &&"
        "each.getBoundingClientRect().right > innerWidth + 1)"
        ".map((each) => each.outerHTML.slice(0, 90))"
    )
    assert tab.run(too_wide) == []


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_jumps_when_the_threshold_moves(tab, written, width):
    tab.look(width, 844, phone=width < 500)
    tab.open(written)
    tops = "[...document.querySelectorAll('section, .after, .cases')].map((each) => each.offsetTop)"
    before = tab.run(tops)[:-1]  # below the images, nothing is in sight when the slider is
    for place in (0, 420, 1000):
        move_slider(tab, place)
        assert tab.run(tops)[:-1] == before


def test_without_a_script_everything_static_is_there_and_no_control(tab, written):
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    tab.open(written)
    tab.call("Emulation.setScriptExecutionDisabled", value=False)
    assert not tab.run(
        "[...document.querySelectorAll('input, select, [data-preset]')]"
        ".some((each) => each.checkVisibility())"
    )
    assert threshold_shown(tab) == 0.5
    assert len(tab.run(NAMES)) == 32


def test_paper_has_the_bundles_threshold_whatever_the_slider_says(tab, written, report, tmp_path):
    if shutil.which("pdftotext") is None:
        pytest.skip("no pdftotext on this machine: apt install poppler-utils")
    tab.open(written)
    move_slider(tab, 850)
    moved = text(tab, "#threshold")
    path = tmp_path / "report.pdf"
    path.write_bytes(tab.pdf())
    words = subprocess.run(
        ["pdftotext", "-layout", path, "-"], check=True, capture_output=True, text=True
    ).stdout
    assert "0.5000 of the bundle" in words
    assert "Miss nothing" not in words
    for case in report.cases:
        assert not case.wrong or case.name in words
    assert text(tab, "#threshold") == moved


def test_no_image_and_no_caption_is_cut_by_the_end_of_a_sheet(tab, written):
    tab.open(written)
    tab.call("Emulation.setEmulatedMedia", media="print")
    style = "getComputedStyle(document.querySelector({!r})).breakInside"
    assert tab.run(style.format("figure")) == "avoid"
    assert tab.run(style.format("section.scores")) == "avoid"
    assert tab.run("getComputedStyle(document.querySelector('figure')).contentVisibility") == (
        "visible"
    )


def test_a_report_without_good_images_still_works(tab, report, tmp_path):
    path = tmp_path / "report.html"
    cases = [case for case in report.cases if case.kind != "good"]
    path.write_text(evaluation_html(replace(report, cases=cases, figures={}, kinds={})))
    tab.open(path)
    move_slider(tab, 900)
    assert text(tab, "#alarms-of") == "of 0"
    assert int(text(tab, "#misses")) > 0
    assert not tab.run("document.querySelector('[data-preset=no-alarm]')")


def test_a_report_without_any_image_has_no_error(tab, report, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(evaluation_html(replace(report, cases=[], figures={}, kinds={})))
    tab.open(path)
    move_slider(tab, 900)
    assert text(tab, "#alarms") == "0"
