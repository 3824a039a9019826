"""What every page of ours is made of: the frame around it, sections, tiles and tables.

A page is one HTML file that asks for nothing from anywhere, and its policy lets it do no more: no
connection, and no script but the one it was given. Knows nothing about what it shows.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files


def page(title: str, body: Iterable[str], script: str = "", style: str = "") -> str:
    """The whole document; `body` is HTML, `title` text, `script` JavaScript that runs last.

    `style` goes on top of the style of every page. Whatever names of files there are, the result
    can be written as UTF-8: bytes that are none stand there as `\\udcff`.
    """
    head = (
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(script)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title>",
        f"<style>{resource('page.css')}{style}</style>",
    )
    lines = ("<!doctype html>", '<html lang="en"><head>', *head, "</head><body><main>")
    last = f"</main>{f'<script>{script}</script>' if script else ''}</body></html>"
    document = "\n".join((*lines, f"<h1>{escape(title)}</h1>", *body, last, ""))
    return document.encode("utf-8", "backslashreplace").decode()


def resource(name: str) -> str:
    """The text of a style sheet or script beside this module."""
    return files("slsg_edge.reports").joinpath(name).read_text(encoding="utf-8")


def section(heading: str, content: str, classes: str = "") -> str:
    return f'<section class="{classes}"><h2>{heading}</h2>\n{content}</section>'


def tiles(figures: Mapping[str, str]) -> str:
    """Label and value of each figure, side by side."""
    shown = (
        f'<div class="tile"><dt>{escape(label)}</dt><dd>{escape(text)}</dd></div>'
        for label, text in figures.items()
    )
    return f'<dl class="tiles">{"".join(shown)}</dl>'


def table(
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    foot: Sequence[str] = (),
    *,
    as_html: bool = False,
) -> str:
    """Texts; the first of a row is its name. It scrolls by itself where a phone is too narrow.

    as_html: `heads` are HTML already.
    """
    last = f"<tfoot>{_row(foot)}</tfoot>" if foot else ""
    head = "".join(f"<th>{text if as_html else escape(text)}</th>" for text in heads)
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(map(_row, rows))}</tbody>{last}</table></div>"
    )


def provenance_table(provenance: Mapping[str, str]) -> str:
    rows = (
        f"<tr><th>{escape(label)}</th><td>{escape(text)}</td></tr>"
        for label, text in provenance.items()
    )
    return f'<table class="provenance"><tbody>{"".join(rows)}</tbody></table>'


def words(name: str) -> str:
    """A folder's name as HTML that a narrow place may break between words."""
    return escape(name.replace("_", " "))


def breakable(name: str) -> str:
    """A file's name as HTML that breaks after a folder or a word, before it breaks anywhere."""
    return escape(name).replace("/", "/<wbr>").replace("_", "_<wbr>")


def _row(texts: Sequence[str]) -> str:
    cells = "".join(f"<td>{escape(text)}</td>" for text in texts[1:])
    return f"<tr><th>{escape(texts[0])}</th>{cells}</tr>"


def _policy(script: str) -> str:
    """Names of files come from anywhere; escaping is the first wall and this the second."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    scripts = f"'sha256-{digest}'" if script else "'none'"
    return f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {scripts}"
