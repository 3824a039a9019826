"""The commands of the documentation: which are run by the tests, and which say why not."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]

_BLOCK = re.compile(
    r"(?:<!-- not run: (?P<why>[^>]*?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """The commands of one block; `why`: the reason why it is not run, None where it is."""

    page: Path
    language: str
    commands: tuple[str, ...]
    why: str | None


def blocks(page: Path) -> list[Block]:
    """Each block that has commands: `console` shows them after a prompt, `sh` has nothing else."""
    found = []
    for match in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        language = match["language"]
        if language in ("console", "sh", "bash"):
            commands = tuple(_commands(match["text"], prompt=language == "console"))
            found.append(Block(page, language, commands, match["why"]))
    return found


def _commands(text: str, prompt: bool) -> Iterator[str]:
    """Without comments, and with continued lines as one."""
    for line in text.replace("\\\n", " ").splitlines():
        if prompt and not line.startswith("$ "):
            continue
        command = " ".join(shlex.split(line.removeprefix("$ "), comments=True, posix=False))
        if command:
            yield command


def words_of(command: str) -> list[str]:
    """What `slsg-edge` is given, without the program that reads its output."""
    return shlex.split(command.partition(" | ")[0])[1:]
