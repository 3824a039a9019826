"""`slsg-edge score`: every image of an archive, scored into one Parquet file."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slsg_edge.cli.options import AsJson
from slsg_edge.cli.text import say, tell

if TYPE_CHECKING:
    from slsg_edge.archive.score import Scored

_VERDICTS = ("good", "anomalous", "undecided")
_SAY_EVERY = 5.0  # seconds


def score(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A calibrated bundle.")],
    archive: Annotated[
        str,
        typer.Argument(
            metavar="ARCHIVE",
            help="A folder or tar file, or the URL of one, as s3://BUCKET/FOLDER.",
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE.parquet", help="Where the rows go.")
    ],
    workers: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Processes with a thread each; all cores."),
    ] = None,
    backend: Annotated[
        str | None, typer.Option(metavar="NAME", help="What runs the model; the best one here.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score every image of an archive: one row each, whatever fails; a stopped run goes on.

    Images lie in folders or in tar files, here or in an object store.
    """
    import json
    from dataclasses import asdict

    from slsg_edge.archive.score import ScoreOptions, score_archive
    from slsg_edge.machine.host import usable_cores

    options = ScoreOptions(workers or usable_cores(), backend)
    scored = score_archive(bundle, archive, output, options, _Progress())
    if as_json:
        tell(json.dumps({**asdict(scored), "output": str(output)}))
    else:
        _print(scored, output)


class _Progress:
    """A line now and then: how many images an archive holds is only known at its end."""

    def __init__(self) -> None:
        self._said = time.monotonic()

    def __call__(self, units: int, counts: Mapping[str, int]) -> None:
        if time.monotonic() - self._said >= _SAY_EVERY:
            self._said = time.monotonic()
            say(_words(counts))


def _print(scored: "Scored", output: Path) -> None:
    tell(f"{scored.images:,} images: {_words(scored.counts)}")
    reasons = {name: count for name, count in scored.counts.items() if name not in _VERDICTS}
    for name, count in reasons.items():
        tell(f"  {count:,} {name}")
    if scored.reused:
        tell(f"{scored.reused} of {scored.units} parts were there from an earlier run.")
    tell(f"{output}: one row for each image")


def _words(counts: Mapping[str, int]) -> str:
    return ", ".join(
        f"{counts.get(name, 0):,} {name}" for name in ("good", "anomalous", "undecided")
    )
