"""What the README and the Dockerfiles install is there, and PyTorch's build fits the machine."""

import fnmatch
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from doc_blocks import PAGES, ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DOCKERFILES = sorted(ROOT.glob("Dockerfile*"))
EXTRAS = set(
    tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
)


def extras_in(text: str) -> list[str]:
    """Of `pip install '.[a,b]'` and `slsg-edge[a]`."""
    found = re.findall(r"(?:\.|slsg-edge)\[([a-z,]+)\]", text)
    return [name for names in found for name in names.split(",")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_extras_of_a_page_exist(page):
    assert set(extras_in(page.read_text(encoding="utf-8"))) <= EXTRAS


def test_the_makefile_and_ci_take_extras_that_exist():
    for name in ("Makefile", ".ci/run"):
        taken = re.search(r"EXTRAS ?\??= ?([a-z,]+)", (ROOT / name).read_text())
        assert taken is not None
        assert set(taken[1].split(",")) <= EXTRAS


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_an_image_copies_what_is_there_and_takes_extras_that_exist(path):
    text = path.read_text()
    sources = [
        word
        for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE)
        for word in line.split()[:-1]
    ]
    assert sources
    for source in sources:
        assert (ROOT / source).exists()
        assert not left_out(source)
    extras = extras_in(text)
    assert {"cpu", "line", "station"} <= set(extras) <= EXTRAS
    assert "train" not in extras


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_an_image_has_all_that_the_package_is_built_from(path):
    built = re.search(r"^cp -R (.+) \"\$copy\"$", (ROOT / ".ci/build").read_text(), re.MULTILINE)
    assert built is not None
    copied = " ".join(re.findall(r"^COPY (?!--from)(.+)$", path.read_text(), re.MULTILINE))
    assert set(built[1].split()) <= set(copied.split())


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_an_image_runs_without_rights_and_says_whether_verdicts_come(path):
    last = path.read_text().rpartition("\nFROM ")[2]
    assert re.search(r"^USER [1-9]\d*$", last, re.MULTILINE)
    assert "/bundles" in last.partition("VOLUME")[2]
    assert health_check(last)[:2] == ["sh", "-c"]


def health_check(dockerfile):
    """The words of its command."""
    command = dockerfile.partition("\nHEALTHCHECK")[2].partition("CMD ")[2]
    return json.loads(command.partition("\n")[0])


@pytest.fixture
def healthy(tmp_path):
    """Whether the health check is content with that folder and the page on that port."""

    def check(port=9):
        *words, command = health_check(DOCKERFILES[0].read_text())
        command = command.replace("/verdicts", str(tmp_path)).replace(":8420", f":{port}")
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        done = subprocess.run([*words, command], env=environment, capture_output=True)
        return done.returncode == 0

    return check


@pytest.mark.parametrize("age", [0, 600])
def test_the_health_check_wants_a_verdict_of_the_last_minute(tmp_path, healthy, age):
    file = tmp_path / "verdicts.jsonl"
    file.touch()
    os.utime(file, (time.time() - age,) * 2)
    assert healthy() is (age == 0)


@pytest.mark.parametrize("status", [200, 503])
def test_or_the_health_check_asks_the_page_of_the_line(healthy, status):
    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status if self.path == "/health/live" else 404)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            assert healthy(server.server_port) is (status == 200)
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_hadolint_has_nothing_to_say(path):
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("hadolint is not installed")
    done = subprocess.run([hadolint, "--no-color", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def left_out(source: str) -> bool:
    """By `.dockerignore`, in which the last line that fits counts."""
    out = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        if fnmatch.fnmatch(source, pattern.lstrip("!")):
            out = not pattern.startswith("!")
    return out


def loaded():
    """`.ci/small_torch.py` as a module of its own."""
    spec = importlib.util.spec_from_file_location("small_torch", ROOT / ".ci" / "small_torch.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def small_torch(monkeypatch, tmp_path):
    """On a Linux without an NVIDIA GPU, where the index answers."""
    module = loaded()
    monkeypatch.setattr(module.sys, "platform", "linux")
    monkeypatch.setattr(module.shutil, "which", lambda _: None)
    monkeypatch.setattr(module, "NVIDIA", (str(tmp_path / "driver"),))
    monkeypatch.setattr(module, "answers", lambda _: True)
    return module


def test_without_an_nvidia_gpu_pip_is_given_the_index_of_the_small_build(small_torch):
    arguments, why = small_torch.pip_arguments()
    assert arguments == "--extra-index-url https://download.pytorch.org/whl/cpu"
    assert "no NVIDIA GPU" in why


def test_with_an_nvidia_gpu_pip_is_given_nothing(small_torch, monkeypatch, tmp_path):
    (tmp_path / "driver").mkdir()
    assert small_torch.pip_arguments()[0] == ""
    (tmp_path / "driver").rmdir()
    monkeypatch.setattr(small_torch.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert small_torch.pip_arguments()[0] == ""


def test_another_system_has_one_build(small_torch, monkeypatch):
    monkeypatch.setattr(small_torch.sys, "platform", "darwin")
    assert small_torch.pip_arguments()[0] == ""


def test_an_index_that_does_not_answer_is_left_out(small_torch, monkeypatch):
    monkeypatch.setattr(small_torch, "answers", lambda _: False)
    arguments, why = small_torch.pip_arguments()
    assert arguments == ""
    assert "does not answer" in why


def test_a_closed_port_does_not_answer():
    assert not loaded().answers("http://127.0.0.1:9/whl")
    assert not loaded().answers("no address")


def test_make_hands_the_answer_to_pip():
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    command = ["make", "--dry-run", "--always-make", "setup", "PIP_ARGS=--given-to-pip"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert re.search(r"pip install .*--given-to-pip", done.stdout)
    assert "small_torch" in (ROOT / "Makefile").read_text()
