"""`slsg-edge verify`: whether everything that runs a bundle here says what it should."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slsg_edge.cli.options import AsJson, Verbose
from slsg_edge.cli.text import plain_console, tell

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from slsg_edge.bundle.folder import Bundle
    from slsg_edge.bundle.golden import Difference
    from slsg_edge.bundle.trust import Trusted
    from slsg_edge.contracts import Json
    from slsg_edge.evaluation.neighbours import NeighbourComparison
    from slsg_edge.evaluation.verify import Verification

_COLOURS = {"passed": "green", "failed": "red", "absent": "yellow"}
_FIGURES = ("map mean", "map 99.9 %", "score", "rank", "verdicts")
_NO_FIGURES = ("",) * len(_FIGURES)


def verify(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="An exported bundle.")],
    only: Annotated[
        str | None,
        typer.Option("--backend", metavar="NAME[,NAME]", help="These only; default: all here."),
    ] = None,
    frozen_neighbours: Annotated[
        bool,
        typer.Option("--frozen-neighbours", help="Tell arithmetic from neighbours that changed."),
    ] = False,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict", help="Fail when a threshold is missing, extrapolated or weak, too."
        ),
    ] = False,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Run the golden frames through every backend and compare them with the trained network.

    Exit code 1 when one of them is beyond its tolerance; with --strict also for a threshold.
    Where this machine trusts a key, the signatures are checked first: exit code 2.
    """
    import json
    from dataclasses import asdict

    from slsg_edge.bundle.opening import bundle_and_trust
    from slsg_edge.cli.trust_options import trust_line
    from slsg_edge.evaluation.verify import subjects, verify_bundle
    from slsg_edge.progress import progress

    opened, trusted = bundle_and_trust(bundle)
    names = [] if only is None else only.split(",")
    with progress("backends", len(names) or len(list(subjects()))) as advance:
        verification = verify_bundle(opened, names, advance)
    comparisons = _with_fixed_neighbours(opened) if frozen_neighbours else ()
    passed = verification.passed and not (strict and verification.doubts)
    if as_json:
        table = {**asdict(verification), "passed": passed, "trust": _trust_json(trusted)}
        if frozen_neighbours:
            table["frozen_neighbours"] = [_neighbours_json(found) for found in comparisons]
        tell(json.dumps(table))
    else:
        _print(verification, strict, passed, verbose or only is not None)
        tell(trust_line(trusted, bundle))
        _say_next(opened, passed)
        if frozen_neighbours:
            _print_neighbours(comparisons)
    if not passed:
        raise typer.Exit(1)


def _with_fixed_neighbours(bundle: "Bundle") -> "tuple[NeighbourComparison, ...]":
    from slsg_edge.evaluation.neighbours import compare_with_fixed_neighbours

    return compare_with_fixed_neighbours(bundle)


def _trust_json(trusted: "Trusted") -> "dict[str, Json]":
    from dataclasses import asdict

    return {
        "signed": trusted.signed,
        "release": trusted.fingerprint or None,
        "signers": [asdict(signer) for signer in trusted.signers],
        "changed_here": trusted.changed_here,
    }


def _neighbours_json(comparison: "NeighbourComparison") -> "dict[str, Json]":
    from dataclasses import asdict

    return {
        "file": comparison.file,
        "agreement": comparison.agreement,
        "free": asdict(comparison.free),
        "frozen": asdict(comparison.fixed),
    }


def _print(verification: "Verification", strict: bool, passed: bool, verbose: bool) -> None:
    """The result, then what runs here; what is absent in full where it is asked for."""
    from rich.text import Text

    console = plain_console()
    console.print(_result(verification, passed), soft_wrap=True)
    table = _table("what runs it", "state")
    for check in verification.checks:
        if check.state == "absent" and not verbose:
            continue
        state = Text(check.state, style=_COLOURS[check.state])
        figures = _figures(check.difference) if check.difference else _NO_FIGURES
        table.add_row(check.subject, state, *figures)
    console.print(table)
    for check in verification.checks:
        for reason in check.reasons if verbose or check.state != "absent" else ():
            console.print(f"{check.subject}: {reason}", soft_wrap=True)
    absent = [check.subject for check in verification.checks if check.state == "absent"]
    if absent and not verbose:
        console.print(f"not here: {', '.join(absent)} (-v: why)", soft_wrap=True)
    word = "failed, as --strict asks" if strict else "note"
    for doubt in verification.doubts:
        console.print(f"{word}: {doubt}", soft_wrap=True)


def _result(verification: "Verification", passed: bool) -> "Text":
    """As `verify ok: 4 of 4 that run here agree with the trained network`, and on what."""
    from rich.text import Text

    here = [check for check in verification.checks if check.state != "absent"]
    agreeing = sum(check.state == "passed" for check in here)
    word = Text("verify ok", "green") if passed else Text("verify failed", "red")
    return word.append(
        f": {agreeing} of {len(here)} that run here agree with the trained network on "
        f"{verification.frames} golden frames, threshold {verification.threshold:.4g}",
        "default",
    )


def _say_next(bundle: "Bundle", passed: bool) -> None:
    """Nothing helps a bundle that fails but what the failures say."""
    import shlex

    if passed:
        path = shlex.quote(str(bundle.path))
        tell(f"next: slsg-edge eval {path} DATA, or slsg-edge watch {path} SOURCE")


def _print_neighbours(comparisons: "tuple[NeighbourComparison, ...]") -> None:

    console = plain_console()
    if not comparisons:
        console.print("No file but the FP32 one, or no neighbours that are chosen.")
        return
    table = _table("file", "neighbours")
    for comparison in comparisons:
        own = f"own: {comparison.agreement:.1%}"
        table.add_row(comparison.file, own, *_figures(comparison.free))
        table.add_row("", "FP32's", *_figures(comparison.fixed))
    console.print(table)
    console.print("own: how many of a file's own neighbours are those of the FP32 graph, too")


def _table(*names: str) -> "Table":
    """Without vertical lines, which do not fit into 80 columns."""
    from rich import box
    from rich.table import Table

    return Table(*names, *_FIGURES, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))


def _figures(off: "Difference") -> Sequence[str]:
    rank = "" if off.rank is None else f"{off.rank:.3f}"
    return [
        f"{off.map_mean:.1e}",
        f"{off.map_p999:.1e}",
        f"{off.score:.1e}",
        rank,
        f"{off.verdicts} changed" if off.verdicts else "same",
    ]
