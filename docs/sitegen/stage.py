"""All that the site is built from, in one folder: the pages as written, and the reference."""

import re
import shutil
from pathlib import Path

import slsg_edge
from sitegen.command_line import command_line_page
from sitegen.messages import findings_page, messages_page
from sitegen.names import names_page
from sitegen.schemas import schema_page
from sitegen.verdicts import verdicts_page

PAGES = Path(__file__).resolve().parent.parent
ROOT = PAGES.parent
PACKAGE = Path(slsg_edge.__file__).parent

INDEX = """\
# Reference

Made from the code of slsg-edge {version} when this site was built: it says what the program does.

{links}
"""
_COMMENT = re.compile(r"^<!--.*-->\n", re.MULTILINE)  # they would end a table
_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s]+)\)")


def stage(out: Path) -> None:
    """Fills `out`, which is emptied before; MissingText where the code leaves something unsaid."""
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(PAGES, out, ignore=shutil.ignore_patterns("sitegen", "__pycache__"))
    for page in out.rglob("*.md"):
        inside = page.relative_to(out)
        text = within(page.read_text("utf-8"), PAGES / inside)
        page.write_text(_COMMENT.sub("", text), encoding="utf-8")
    (out / "reference").mkdir()
    for name, text in reference().items():
        (out / "reference" / name).write_text(text, encoding="utf-8")


def reference() -> dict[str, str]:
    """The pages that are made from the code, by their file names."""
    pages = {
        "command-line.md": command_line_page(),
        "python.md": names_page(),
        "verdicts.md": verdicts_page(PAGES),
        "errors.md": messages_page(),
        "findings.md": findings_page(),
        **{f"{path.name.partition('.')[0]}.md": schema_page(path) for path in schemas()},
    }
    links = "\n".join(f"- [{_title(text)}]({name})" for name, text in pages.items())
    return {"index.md": INDEX.format(version=slsg_edge.__version__, links=links), **pages}


def schemas() -> list[Path]:
    """Of the files that people write for a line."""
    return sorted((PACKAGE / "line").rglob("*.schema.json"))


def within(text: str, page: Path) -> str:
    """Links to files outside of this folder as the paths that they have in the source."""

    def shown(link: re.Match[str]) -> str:
        said, target = link.groups()
        if re.match(r"[a-z]+:|#", target):
            return link[0]
        path = (page.parent / target.partition("#")[0]).resolve()
        if path.is_relative_to(PAGES):
            return link[0]
        name = f"`{path.relative_to(ROOT)}`"
        return name if said.strip("`") == name.strip("`") else f"{said} ({name} in the source)"

    return _LINK.sub(shown, text)


def _title(text: str) -> str:
    return text.partition("\n")[0].removeprefix("# ")
