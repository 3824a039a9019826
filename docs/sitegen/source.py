"""Texts that stand in calls of the package's code, read without running it.

A text that is put together at run time is given with `…` where something is filled in.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import TypeAlias

import slsg_edge

PACKAGE = Path(slsg_edge.__file__).parent
FILLED = "…"
Scope: TypeAlias = "dict[str, tuple[ast.expr, ...]]"
"""What each name is set to, in the order of the lines."""
_DEEPEST = 8  # names that lead to names
_MOST = 6  # texts that one argument may have: more are one with a gap


@dataclass(frozen=True)
class Call:
    """One call in the package, with what its names stand for there."""

    node: ast.Call
    scope: Scope

    def argument(self, position: int, name: str) -> list[str]:
        """The texts that it may have, none where it is not given."""
        given = [one.value for one in self.node.keywords if one.arg == name]
        if not given and position < len(self.node.args):
            given = [self.node.args[position]]
        return texts(given[0], self.scope, self.node.lineno) if given else []


def calls(names: Sequence[str], below: str = "") -> list[Call]:
    """Every call of one of these functions or classes in the package, in the order of the files."""
    paths = [path for path in _files() if str(path.relative_to(PACKAGE)).startswith(below)]
    return [one for path in paths for one in _calls_in(path) if _name(one.node.func) in names]


@cache
def _calls_in(path: Path) -> list[Call]:
    tree = _parsed(path)
    common = {**_imported(tree), **_assigned(tree.body)}
    found = []
    for function in [tree, *_functions(tree)]:
        nodes = list(_own_nodes(function))
        scope = common if function is tree else {**common, **_assigned(nodes)}
        found += [Call(node, scope) for node in nodes if isinstance(node, ast.Call)]
    return sorted(found, key=lambda one: one.node.lineno)


def texts(node: ast.expr, scope: Scope, line: int) -> list[str]:
    """What an expression may be as a text, on that line."""
    found = list(dict.fromkeys(_texts(node, scope, line, 0)))
    return found if len(found) <= _MOST else [FILLED]


def _texts(node: ast.expr, scope: Scope, line: int, depth: int) -> list[str]:
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.IfExp):
        return [
            text for one in (node.body, node.orelse) for text in _texts(one, scope, line, depth)
        ]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _joined([node.left, node.right], scope, line, depth)
    if isinstance(node, ast.JoinedStr):
        parts = [one.value if isinstance(one, ast.FormattedValue) else one for one in node.values]
        return _joined(parts, scope, line, depth)
    if isinstance(node, ast.Name) and node.id in scope and depth < _DEEPEST:
        values = _nearest(scope[node.id], line)
        return [text for one in values for text in _texts(one, scope, line, depth + 1)]
    return [FILLED]


def _joined(nodes: Sequence[ast.expr], scope: Scope, line: int, depth: int) -> list[str]:
    parts = [_texts(node, scope, line, depth) for node in nodes]
    if sum(len(part) > 1 for part in parts) > 1:  # each with each would be too many
        parts = [part if len(part) == 1 else [FILLED] for part in parts]
    return ["".join(some) for some in product(*parts)]


def _nearest(values: tuple[ast.expr, ...], line: int) -> tuple[ast.expr, ...]:
    """The last one before the line, unless another was set in a branch before it."""
    before = [one for one in values if one.lineno <= line] or list(values)
    last = before[-1]
    return (last,) if last.col_offset >= max(one.col_offset for one in before) else tuple(before)


@cache
def _files() -> list[Path]:
    rooms = [PACKAGE, *(path for path in PACKAGE.iterdir() if path.is_symlink())]
    return sorted({path for room in rooms for path in room.rglob("*.py")})


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _functions(tree: ast.Module) -> list[ast.AST]:
    return [
        one for one in ast.walk(tree) if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]


def _own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """All below it but what is in a function below it, which has names of its own."""
    waiting = list(ast.iter_child_nodes(function))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            waiting += ast.iter_child_nodes(node)


def _name(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def _assigned(nodes: Sequence[ast.AST]) -> Scope:
    """What each name is set to, by assignments and by loops over a table."""
    found: Scope = {}
    for node in sorted(nodes, key=lambda one: getattr(one, "lineno", 0)):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            _note(found, node.targets[0], node.value)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            _note(found, node.target, node.value)
    return found


def _note(found: Scope, target: ast.expr, value: ast.expr) -> None:
    if isinstance(target, ast.Name):
        found[target.id] = (*found.get(target.id, ()), value)


def _imported(tree: ast.Module) -> Scope:
    """Constants that another module of the package defines."""
    found: Scope = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and re.match(r"slsg_edge\.", node.module or ""):
            path = PACKAGE.parent / f"{(node.module or '').replace('.', '/')}.py"
            known = _assigned(_parsed(path).body) if path.is_file() else {}
            found.update({a.asname or a.name: known[a.name] for a in node.names if a.name in known})
    return found
