"""The dashboard in a real browser: it moves, it changes what it may, and nothing complains."""

import time
from dataclasses import replace

import pytest
from browser import Browser, find_browser
from fake_line import TOKEN

from slsg_edge.line.dashboard.app import make_app
from slsg_edge.line.dashboard.serving import HttpServer
from slsg_edge.line.settings.line import HttpSettings

PART = "document.querySelector('.part').textContent"
PIXEL = """(async () => {
  const picture = document.querySelector('img.live');
  await picture.decode();
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [picture.naturalWidth, picture.naturalHeight];
  const drawn = canvas.getContext('2d');
  drawn.drawImage(picture, 0, 0);
  return drawn.getImageData(40, 40, 1, 1).data[0];
})()"""
DEADLINE = 30.0


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    pytest.importorskip("uvicorn", reason="pip install 'slsg-edge[station]'")
    program = find_browser()
    if program is None:
        pytest.skip("no Chromium on this machine: apt install chromium")
    with Browser(program, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def served(line):
    """Address of the dashboard of `line`, on a free port."""
    line.http = replace(HttpSettings(), port=0)
    server = HttpServer(make_app(line, line.folder, TOKEN), line.http)
    server.start()
    yield f"http://localhost:{server.port}"
    server.close()


@pytest.fixture
def tab(browser, served):
    page = browser.page(served)
    page.look(1024, 768)
    yield page
    complaints = page.complaints()
    page.close()
    assert complaints == []


def until(tab, script, value):
    deadline = time.monotonic() + DEADLINE
    while (found := tab.run(script)) != value:
        assert time.monotonic() < deadline, f"{script} is {found!r}, not {value!r}"
        time.sleep(0.05)


def fill(tab, name, value):
    tab.run(f"document.querySelector('main [name={name}]').value = {value!r}")


def sign_in(tab):
    fill(tab, "who", "Ada")
    fill(tab, "token", TOKEN)
    tab.press_and_go("main form button")


@pytest.mark.slow
def test_the_picture_moves_and_a_dead_line_does_not_look_alive(line, tab, served):
    line.inspect("cap", 0.1, level=20)
    tab.go(served)
    until(tab, PART, "part 1: good")
    assert abs(tab.run(PIXEL) - 20) < 8
    line.inspect("cap", 0.9, level=220)
    until(tab, PART, "part 2: anomalous")
    assert abs(tab.run(PIXEL) - 220) < 8
    until(tab, "document.querySelector('.verdict .word').textContent", "anomalous")
    line.alarms = ("Look at the lamp.",)
    until(tab, "document.querySelectorAll('.note.alarm').length", 1)
    # as if nobody answered any more, which a browser's console would note
    tab.run("window.fetch = () => Promise.reject(new TypeError('gone')); 0")
    until(tab, "document.getElementById('lost').hidden", False)
    assert tab.run("document.body.classList.contains('old')")


@pytest.mark.slow
def test_a_person_labels_a_reject_and_changes_the_threshold(line, tab, served):
    for score in (0.1, 0.2, 0.9):
        record = line.inspect("cap", score)
    tab.go(f"{served}/stations/cap/threshold?value=0.15")
    assert "1 good parts would not have passed" in tab.run("document.body.textContent")
    assert not tab.run("!!document.querySelector('main [name=why]')")
    tab.press_and_go("main section a[href^='/enter']")
    sign_in(tab)
    assert tab.run("location.pathname + location.search") == "/stations/cap/threshold?value=0.15"
    fill(tab, "why", "glare")
    tab.press_and_go("main form[method=post] button")
    assert line.changes == [("cap", 0.15, "Ada", "glare")]
    assert tab.run("location.pathname") == "/stations/cap"
    assert "It is stored" in tab.run("document.body.textContent")

    tab.go(f"{served}/rejects")
    tab.press_and_go("button.label.good")
    assert line.kept_outbox.labels() == {record.id: "good"}
    pressed = "document.querySelector('button.label.good').getAttribute('aria-pressed')"
    assert tab.run(pressed) == "true"
    assert (line.folder / f"reviewed/cap/good/{record.id}.png").is_file()


TOO_SMALL = """[...document.querySelectorAll('a, button, input:not([type=hidden])')]
  .filter((each) => each.checkVisibility() && each.getBoundingClientRect().height < 48)
  .map((each) => each.outerHTML)"""


@pytest.mark.slow
@pytest.mark.parametrize("size", [(1366, 768), (768, 1024), (390, 844)])
def test_hands_in_gloves_find_what_they_press_on_every_size(line, tab, served, size):
    for score in (0.1, 0.9, None):
        line.inspect("cap", score)
    tab.look(*size, phone=size[0] < 500)
    for path in ("/enter", "/", "/stations/cap", "/stations/cap/threshold?value=0.3", "/rejects"):
        tab.go(served + path)
        assert tab.run("document.documentElement.scrollWidth") <= size[0], path
        assert tab.run(TOO_SMALL) == [], path
        if path == "/enter":
            sign_in(tab)
