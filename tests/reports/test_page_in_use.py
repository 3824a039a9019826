"""A report of seventy cases in a real browser: enlarged, paged, explained, on a phone, on paper."""

import json
import re
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from opened_report import make_case

from slsg_edge.reports.evaluation_page import evaluation_html
from slsg_edge.reports.layers import picture_of

SIZES = {"wide": (120, 480), "tall": (480, 240), "square": (400, 400)}
SHOWN = "[...document.querySelectorAll('#cases figure')].filter((each) => each.checkVisibility())"
TESTED = {
    "product": "fuse",
    "date": "2026-11-30 12:00",
    "photos": "70: 20 good, 50 defective of 6 kinds, from /data/fuse",
    "machine": "a CPU, 4 cores, onnxruntime-fp32",
    "speed": "12.3 ms a part from file to verdict, 4880 parts a minute",
}
CONTRAST = """(() => {
  const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const over = (top, under) => {
    const alpha = top[3] ?? 1;
    return [0, 1, 2].map((place) => alpha * top[place] + (1 - alpha) * under[place]);
  };
  const light = (colour) => colour
    .map((each) => each / 255)
    .map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4))
    .reduce((sum, each, place) => sum + each * [0.2126, 0.7152, 0.0722][place], 0);
  const ground = (at) => {
    const layers = [];
    for (; at; at = at.parentElement) layers.push(parse(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
  };
  const found = [];
  for (const at of document.querySelectorAll("main *")) {
    const own = [...at.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !at.checkVisibility() || at.closest(".then") || at.matches(":disabled")) continue;
    const style = getComputedStyle(at);
    const colour = at.closest("svg") ? style.fill : style.color;
    const [one, other] = [light(over(parse(colour), ground(at))), light(ground(at))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    found.push([ratio, at.outerHTML.slice(0, 100)]);
  }
  return found;
})()"""


def within(box, outer):
    """Both as left, top, right and bottom."""
    near = zip(outer[:2], box[:2], strict=True), zip(box[2:], outer[2:], strict=True)
    return all(less <= more for pairs in near for less, more in pairs)


@pytest.fixture(scope="module")
def seventy(report):
    """Twenty good parts and fifty defects of six kinds, most of the verdicts wrong."""
    rng = np.random.default_rng(0)
    shape = SIZES["square"]
    picture = picture_of(
        rng.integers(0, 255, (*shape, 3), np.uint8), rng.random(shape, np.float32), stretched=True
    )
    cases = [make_case(f"good/{index:03}.png", score=0.03 * index) for index in range(20)]
    cases += [
        make_case(f"kind_{index % 6}/{index:03}.png", f"kind_{index % 6}", 0.012 * index)
        for index in range(50)
    ]
    return replace(report, cases=[replace(case, picture=picture) for case in cases], tested=TESTED)


@pytest.fixture(scope="module")
def page(seventy, tmp_path_factory):
    path = tmp_path_factory.mktemp("seventy") / "report.html"
    path.write_text(evaluation_html(seventy), encoding="utf-8")
    return path


@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080), (2560, 1440), (390, 844)])
@pytest.mark.parametrize("form", SIZES)
def test_nothing_of_an_enlarged_pair_is_cut_off_or_covered(tab, report, tmp_path, size, form):
    path = tmp_path / "report.html"
    image = np.zeros((*SIZES[form], 3), np.uint8)
    picture = picture_of(image, np.eye(*SIZES[form], dtype=np.float32), stretched=True)
    case = replace(report.cases[0], picture=picture, name="good/a long name of a file.png")
    path.write_text(evaluation_html(replace(report, cases=[case])), encoding="utf-8")
    tab.look(*size, phone=size[0] < 500)
    tab.open(path)
    tab.click("#cases .pair")
    tab.settle()
    dialog, high, inner, one, other = tab.run(
        "(() => { const dialog = document.getElementById('large');"
        "const box = (each) => { const b = each.getBoundingClientRect();"
        "return [b.left, b.top, b.right, b.bottom] };"
        "return [box(dialog), dialog.scrollHeight - dialog.clientHeight,"
        "dialog.scrollWidth - dialog.clientWidth,"
        "...[...dialog.querySelectorAll('svg')].map(box)] })()"
    )
    assert (high, inner) == (0, 0)
    assert within(dialog, (0, 0, *size))
    for box in (one, other):
        assert within(box, dialog)
        ratio = (box[2] - box[0]) / (box[3] - box[1])
        assert ratio == pytest.approx(SIZES[form][1] / SIZES[form][0], rel=0.02)
    assert one[2] <= other[0] or one[3] <= other[1]  # beside or above each other


def test_images_come_in_pages_and_the_enlarged_one_goes_on_across_them(tab, page):
    tab.open(page)
    names = tab.run(f"{SHOWN}.map((each) => each.querySelector('b').textContent)")
    assert len(names) == 24
    assert tab.run("document.getElementById('page-text').textContent") == "images 1 to 24 of 70"
    tab.click(f"#cases figure:nth-child({len(names)}) .pair")
    tab.press("ArrowRight")
    onward = tab.run("document.querySelector('#large b').textContent")
    assert onward not in names
    tab.press("Escape")
    tab.settle()
    assert tab.run("document.getElementById('page-text').textContent") == "images 25 to 48 of 70"
    assert tab.run("document.activeElement.closest('figure').querySelector('b').textContent") == (
        onward
    )
    tab.click("[data-page='1']")
    assert len(tab.run(SHOWN)) == 70 - 48
    assert tab.run("document.querySelector(\"[data-page='1']\").disabled")
    tab.click("#errors-only")
    assert tab.run("document.getElementById('page-text').textContent").startswith("images 1 to 24")


def test_a_chosen_picture_is_enlarged_and_gives_the_focus_back(tab, page):
    tab.open(page)
    tab.click(".highlight .pair")
    name = tab.run("document.querySelector('.highlight .caption span').textContent")
    assert tab.run("document.querySelector('#large b').textContent") == name
    tab.press("Escape")
    tab.settle()
    assert tab.run("document.activeElement.matches('.highlight .pair')")


@pytest.mark.parametrize("width", [390, 1366])
def test_each_metric_is_explained_by_key_and_by_touch_within_the_window(tab, page, width):
    tab.look(width, 768, phone=width < 500)
    tab.open(page)
    tab.run("document.querySelectorAll('details:not(.help)').forEach((each) => each.open = true)")
    asked = tab.run(
        "[...document.querySelectorAll('.figures dt, .by-kind thead th + th, .every th')]"
        ".map((each) => each.querySelectorAll('details.help').length)"
    )
    assert len(asked) > 15
    assert set(asked) == {1}
    tab.click(".figures .help summary")
    assert tab.run("document.querySelector('.figures .help').open")
    box = tab.run(
        "(() => { const b = document.querySelector('.help[open] p').getBoundingClientRect();"
        "return [b.left, b.top, b.right, b.bottom] })()"
    )
    assert within(box, (0, 0, width, 768))
    tab.press("Escape")
    assert not tab.run("document.querySelector('.help[open]')")
    tab.run("document.querySelector('.figures .help summary').focus()")
    tab.press("Enter")
    assert tab.run("document.querySelector('.figures .help').open")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_what_is_behind_it(tab, page, scheme):
    tab.look(1366, 768, scheme)
    tab.open(page)
    tab.run("document.querySelectorAll('details').forEach((each) => each.open = true)")
    found = tab.run(CONTRAST)
    assert len(found) > 200
    assert [each for each in found if each[0] < 4.5] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_lines_and_bars_stand_out_from_a_card(tab, page, scheme):
    tab.look(1366, 768, scheme)
    tab.open(page)
    names = ["ink", "soft", "edge", "good", "anomalous", "undecided", "alarm-text", "fine-text"]
    tab.run(
        f"{json.dumps(names)}.forEach((name) => {{ const at = document.createElement('p');"
        "at.textContent = name; at.style.color = `var(--${name})`;"
        "at.style.background = 'var(--card)'; document.querySelector('main').append(at) })"
    )
    found = {re.sub("<.*?>", "", html): ratio for ratio, html in tab.run(CONTRAST)[-len(names) :]}
    assert set(found) == set(names)
    assert min(found.values()) >= 3


def test_the_threshold_is_seen_where_colours_are_forced(tab, page):
    tab.open(page)
    tab.call("Emulation.setEmulatedMedia", features=[{"name": "forced-colors", "value": "active"}])
    assert tab.run("matchMedia('(forced-colors: active)').matches")
    width, line, ground = tab.run(
        "(() => { const style = getComputedStyle(document.querySelector('.cut'));"
        "return [parseFloat(style.borderLeftWidth), style.borderLeftColor,"
        "getComputedStyle(document.body).backgroundColor] })()"
    )
    assert width >= 2
    assert line != ground


def test_a_phone_has_the_counts_on_its_first_screen_and_an_end(tab, page):
    tab.look(390, 844, phone=True)
    tab.open(page)
    assert tab.run("document.querySelector('.sentence').getBoundingClientRect().bottom") < 844
    assert tab.run("document.documentElement.scrollHeight") < 13_000
    assert len(tab.run(SHOWN)) == 12


def test_all_pictures_of_a_grid_have_one_orientation(report):
    wide, tall = (picture_of(np.zeros((*SIZES[form], 3), np.uint8)) for form in ("wide", "tall"))
    cases = [
        replace(case, picture=wide if place % 3 else tall)
        for place, case in enumerate(report.cases)
    ]
    html = evaluation_html(replace(report, cases=cases))
    grid = html[html.index('id="cases"') :]
    assert set(re.findall(r'class="pair (\w+)"', grid)) == {"wide"}


def pages_of(pdf, path):
    if shutil.which("pdftotext") is None:
        pytest.skip("no pdftotext on this machine: apt install poppler-utils")
    path.write_bytes(pdf)
    command = ["pdftotext", "-layout", path, "-"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return said.split("\f")[:-1]


@pytest.mark.parametrize("sheet", [(8.27, 11.69), (8.5, 11)])
def test_paper_has_at_most_four_sheets_and_the_first_is_to_be_signed(
    tab, page, seventy, tmp_path, sheet
):
    tab.open(page)
    tab.click("[data-page='1']")
    width, height = sheet
    sheets = pages_of(tab.pdf(paperWidth=width, paperHeight=height), tmp_path / "report.pdf")
    assert len(sheets) <= 4
    for text in (
        *("Released for the line", "Not released", "Name", "Date", "Signature"),
        *("defects missed", "good parts rejected", "missed, by kind", "Other thresholds"),
        *(
            "The worst miss",
            "The worst false alarm",
            "fuse",
            "2026-11-30",
            "12.3 ms a part",
            "4880",
        ),
    ):
        assert text in sheets[0]
    rest = "".join(sheets[1:])
    worst = seventy.judgement.misses
    assert worst.count > 20
    assert "The 20 worst of them are printed." in rest
    assert rest.count(" → ") == 20
