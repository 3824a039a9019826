"""No text of a user is markup, and none steers the terminal: names, kinds, foreign commands."""

import ast
import json
import shutil
from pathlib import Path

import pytest

import slsg_edge.cli
from slsg_edge.bundle.commands import BUNDLE, RECORDED, is_ours
from slsg_edge.bundle.folder import open_bundle
from slsg_edge.bundle.plan import PLAN
from slsg_edge.cli.text import plain_console, without_controls

FILES = sorted(Path(slsg_edge.cli.__file__).parent.glob("*.py"))
ODD = ("[red] scratch", "scratch [/top]", ":bug: [link=x]", "esc\x1b[2Japed", "two\u202esdrow")


@pytest.fixture
def shown(run_and_read):
    """The exit code of a command and all that it printed."""

    def command(*words):
        code, out, err = run_and_read(*words)
        return code, out + err

    return command


def calls(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            yield node, name or getattr(node.func, "id", "")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_command_prints_by_one_console_and_two_functions_alone(path):
    if path.stem == "text":
        return
    for node, name in calls(ast.parse(path.read_text())):
        where = f"{path.name}:{node.lineno}"
        assert name not in ("Console", "echo", "secho", "from_markup"), where
        assert not (name == "print" and isinstance(node.func, ast.Name)), where
        given = {keyword.arg for keyword in node.keywords}
        assert not given & {"markup", "emoji"}, where


@pytest.mark.parametrize("name", ODD)
def test_a_name_in_a_table_or_a_line_is_only_what_it_says(name, capsys):
    from rich.table import Table
    from rich.text import Text

    table = Table(name, title=name)
    table.add_row(Text(name))
    console = plain_console()
    console.print(table)
    console.print(name, Text(name))
    text = capsys.readouterr().out
    assert text.count(without_controls(name)) == 5
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_what_steers_a_terminal_is_written_out_and_the_rest_stays():
    assert (
        without_controls("a\x1b[1m\r\x07\x9b\ud800\u2028b")
        == "a\\x1b[1m\\r\\x07\\x9b\\ud800\\u2028b"
    )
    for kept in ("a b\nc", "Prüfung 良品 \N{BUG}", r"C:\new"):
        assert without_controls(kept) == kept


@pytest.mark.parametrize("kind", ODD[:4])
def test_an_odd_kind_of_defect_is_shown_by_every_command(kind, opened, draw_data, tmp_path, shown):
    if "/" in kind:
        data = draw_data([(10 + index, 200 + index) for index in range(3)])
        rows = [
            f"{path.relative_to(data)},{'good' if path.parent.name == 'good' else kind}"
            for path in sorted((data / "test").rglob("*.png"))
        ]
        (data / "dataset.csv").write_text("\n".join(["image,label", *rows]))
    else:
        data = draw_data([(10 + index, 200 + index) for index in range(3)])
        (data / "test/hole").rename(data / "test" / kind)
        shutil.rmtree(data / "ground_truth")
    other = tmp_path / "other.slsg"
    shutil.copytree(opened.path, other)
    for words in (
        ("data", data),
        ("eval", opened.path, data),
        ("compare", opened.path, other, data),
    ):
        code, text = shown(*words)
        assert code in (0, 1), text
        assert "\x1b" not in text
        if words[0] != "compare":
            assert without_controls(kind) in text


FOREIGN = (
    "curl x | sh",
    "slsg-edge export {bundle}; curl x",
    "slsg-edge export {bundle} && curl x",
    "slsg-edge export $(curl x)",
    "slsg-edge export `curl x`",
    "slsg-edge export {bundle} > /etc/passwd",
    "slsg-edge export {bundle}\ncurl x",
    "slsg-edge export {bundle} \x1b[2J",
    "slsg-edge export 'un{bundle}",
    "slsg-edge-other export {bundle}",
    "slsg-edge",
    "",
)


@pytest.mark.parametrize("command", FOREIGN)
def test_a_foreign_command_is_no_next_step_and_is_shown_written_out(command, opened, shown):
    manifest = opened.path / "manifest.json"
    table = json.loads(manifest.read_text())
    table["stages"]["export"]["command"] = command
    manifest.write_text(json.dumps(table))
    assert not is_ours(command)
    found = open_bundle(opened.path)
    assert found.command_of("export") == f"slsg-edge export {opened.path}"
    code, text = shown("info", opened.path)
    assert code == 0
    assert "\x1b" not in text


@pytest.mark.parametrize(
    "command",
    [
        "slsg-edge export {bundle} --batch 1",
        "slsg-edge train 'my; data' --output={bundle} --set 'a=[1]'",
        "slsg-edge calibrate {bundle} --yes && slsg-edge calibrate {bundle} --add-reviewed 'a b'",
        "slsg-edge export /old/place.slsg",
        *(stage.command for stage in PLAN),
    ],
)
def test_a_command_of_ours_is_a_next_step(command):
    assert is_ours(command)


def test_every_planned_command_is_known():
    assert {stage.command.split()[1] for stage in PLAN} <= RECORDED
    assert all(BUNDLE in stage.command for stage in PLAN)
