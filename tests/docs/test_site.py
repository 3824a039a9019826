"""The site: its pages, its links, and the reference that is made from the code."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import pytest
import typer
from doc_blocks import DOCS, PAGES, ROOT
from sitegen import command_line, messages, names, photos, verdicts
from sitegen.markdown import MissingText
from sitegen.schemas import schema_page
from sitegen.source import calls
from sitegen.stage import reference, stage, within
from typer.main import get_command

import slsg_edge
from slsg_edge.cli import app
from slsg_edge.errors import SlsgError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def pages():
    return reference()


def in_nav(nav: Any) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    below = nav.values() if isinstance(nav, dict) else nav
    return [page for one in below for page in in_nav(one)]


def test_every_page_is_in_the_menu_and_the_menu_leads_nowhere_else(pages):
    written = {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")}
    made = {f"reference/{name}" for name in pages}
    menu = in_nav(PROJECT["nav"])
    assert len(menu) == len(set(menu))
    assert set(menu) <= written | made
    hidden = {page for page in written if page.startswith("results/")}
    assert written - hidden <= set(menu)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading(page, pages):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, heading = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if path.parent == DOCS / "reference":
            assert path.name in pages, target
            continue
        assert path.exists(), target
        if heading:
            assert heading in headings(path), target


def headings(page: Path) -> set[str]:
    """As GitHub and Zensical call them."""
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text).lower() for text in found)
    return {re.sub(r"[^\w\- ]", "", text).strip().replace(" ", "-") for text in plain}


def test_every_command_and_option_is_in_the_reference(pages):
    page = pages["command-line.md"]
    for name, command in command_line.commands().items():
        section = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        for param in command.params:
            shown = param.opts if param.param_type_name == "option" else [param.metavar]
            assert any(text.strip("[]") in section for text in shown), (name, param.name)
    assert "`--rejects DIR`" in page
    assert "`--version`" in page


def test_an_option_without_help_stops_the_build(monkeypatch):
    small = typer.Typer(help="Small.")

    @small.command()
    def one(told: Annotated[int, typer.Option(help="How many.")] = 3) -> None:
        """One."""

    @small.command()
    def two(untold: int = 3) -> None:
        """Two."""

    monkeypatch.setattr(command_line, "app", small)
    with pytest.raises(MissingText, match=r"--untold.* of `slsg-edge two` has no help"):
        command_line.command_line_page()


def test_no_option_of_the_program_lacks_help():
    for name, command in command_line.commands().items():
        for param in command.params:
            assert command_line.describe(name, param)
    assert get_command(app).commands.keys() <= {n.split()[-1] for n in command_line.commands()}


def test_every_public_name_is_in_the_reference(pages):
    for name in set(slsg_edge.__all__) - {"__version__"}:
        assert f"\n## {name}\n" in pages["python.md"]
    assert "inspect(image: NDArray[uint8]) -> Verdict" in pages["python.md"]


def test_a_name_without_a_docstring_stops_the_build(monkeypatch):
    monkeypatch.setattr(slsg_edge.Judged, "__doc__", None)
    with pytest.raises(MissingText, match="Judged has no docstring"):
        names.names_page()


def test_a_field_that_no_page_describes_stops_the_build(tmp_path, pages):
    assert "| `p_value` | number or null |" in pages["verdicts.md"]
    for name in ("line.md", "python.md"):
        text = (DOCS / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace("| `age_ms` |", "| `age` |"), encoding="utf-8")
    with pytest.raises(MissingText, match="`age_ms`"):
        verdicts.verdicts_page(tmp_path)


def test_every_class_of_error_has_messages_and_a_row_in_the_page_for_technicians(pages):
    page = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    table = page.partition("<!-- errors -->")[2].partition("<!-- /errors -->")[0]
    known = [one.__name__ for one in messages.classes() if one is not SlsgError]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(known)
    for name in known:
        section = pages["errors.md"].partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        assert len(re.findall(r"^\| .+ \| .+ \|$", section, re.MULTILINE)) > 2


def test_messages_are_those_of_the_code(pages):
    assert "… is not a bundle: it has no manifest.json." in pages["errors.md"]
    assert "Give four whole numbers in pixels, as in 100,50,640,480." in pages["errors.md"]
    assert "There is not enough memory here: …." in pages["errors.md"]


def test_every_finding_is_in_the_reference(pages):
    shown = {name for row in messages.findings() for name in row[1].split(", ")}
    assert {"few-train", "odd-good", "copies-train-test", "mask-inverted", "left-out"} <= shown
    for call in calls(["finding", "Finding"], "data/survey"):
        (name,) = call.argument(1, "name") or [""]
        assert name in shown or "…" in name or not name  # those come from the tables of the code
    for name in shown:
        assert name in pages["findings.md"]


SCHEMA: dict[str, Any] = {
    "title": "line.toml",
    "description": "A line.",
    "type": "object",
    "required": ["bundle"],
    "properties": {
        "bundle": {"type": "string", "description": "The bundle."},
        "camera": {"$ref": "#/$defs/camera", "description": "Where frames come from."},
        "sink": {
            "type": "array",
            "items": {"$ref": "#/$defs/sink"},
            "description": "Where verdicts go.",
        },
    },
    "$defs": {
        "sink": {
            "type": "object",
            "required": ["port"],
            "properties": {"port": {"type": ["integer", "null"], "description": "Of it."}},
        },
        "camera": {
            "type": "object",
            "properties": {
                "every": {
                    "type": "integer",
                    "minimum": 1,
                    "default": 1,
                    "description": "Each so-many-th frame.",
                },
                "kind": {"enum": ["usb", "rtsp"], "description": "What it is."},
            },
        },
    },
}


def test_a_schema_becomes_a_page(tmp_path):
    path = tmp_path / "line.schema.json"
    path.write_text(json.dumps(SCHEMA))
    page = schema_page(path)
    assert page.startswith("# line.toml\n\nA line.")
    assert "| `bundle` | string | required | The bundle. |" in page
    assert "| `camera.every` | integer | `1` | Each so-many-th frame. (at least 1) |" in page
    assert "## \\[\\[sink\\]\\]" in page
    assert "| `sink.port` | integer or null | required | Of it. |" in page
    assert "| `camera.kind` | one of `usb`, `rtsp` |  | What it is. |" in page


def test_a_key_without_a_description_stops_the_build(tmp_path):
    untold = json.loads(json.dumps(SCHEMA))
    del untold["$defs"]["camera"]["properties"]["kind"]["description"]
    path = tmp_path / "line.schema.json"
    path.write_text(json.dumps(untold))
    with pytest.raises(MissingText, match=r"camera\.kind"):
        schema_page(path)


def test_the_pictures_are_those_that_the_code_draws():
    drawn = photos.pictures()
    assert set(drawn) == {path.stem for path in photos.FOLDER.glob("*.jpg")}
    for name, picture in drawn.items():
        kept = cv2.imread(str(photos.FOLDER / f"{name}.jpg"))
        assert kept.shape == picture.shape
        assert np.abs(kept.astype(float) - picture).mean() < 6, name


def test_what_the_site_is_built_from_holds_no_link_out_of_it(tmp_path):
    stage(tmp_path / "site")
    assert (tmp_path / "site" / "reference" / "errors.md").exists()
    assert not (tmp_path / "site" / "sitegen").exists()
    for page in (tmp_path / "site").rglob("*.md"):
        for target in re.findall(r"\]\(([^)\s#]+)", page.read_text(encoding="utf-8")):
            if not re.match(r"[a-z]+:", target):
                path = (page.parent / target).resolve()
                assert path.is_relative_to(tmp_path / "site"), (page.name, target)
                assert path.exists(), (page.name, target)


def test_a_link_into_the_source_becomes_the_path():
    page = DOCS / "training.md"
    assert within("[x](../Makefile)", page) == "x (`Makefile` in the source)"
    assert within("[`Makefile`](../Makefile) [y](line.md#a)", page) == "`Makefile` [y](line.md#a)"


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path):
    zensical = Path(sys.executable).with_name("zensical")
    if not zensical.exists():
        pytest.skip("Zensical is not installed")
    stage(tmp_path / "build" / "docs")
    (tmp_path / "zensical.toml").write_bytes((ROOT / "zensical.toml").read_bytes())
    done = subprocess.run(
        [zensical, "build", "--strict"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
    front = (tmp_path / "build" / "site" / "index.html").read_text(encoding="utf-8")
    assert re.findall(r'(?:src|rel="stylesheet" href)="https?://', front) == []
