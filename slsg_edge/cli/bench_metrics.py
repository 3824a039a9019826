"""`slsg-edge bench metrics`: what the metrics cost on this machine."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slsg_edge.cli.options import AsJson
from slsg_edge.cli.text import plain_console, tell

if TYPE_CHECKING:
    from slsg_edge.bench.metrics import MetricBenchmark


def bench_metrics(
    maps: Annotated[
        int, typer.Option(metavar="N", min=2, help="Maps to compare with scikit-learn.")
    ] = 300,
    side: Annotated[
        int, typer.Option(metavar="PIXELS", min=16, help="Their height and width.")
    ] = 512,
    streamed: Annotated[
        int, typer.Option(metavar="N", min=0, help="Also put N maps of 1024x1024 through disk.")
    ] = 0,
    folder: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where those go, 4 MB each; default: temporary files."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure AUROC, AUPRO and saturated PRO against scikit-learn and direct counting."""
    import json
    from dataclasses import asdict

    from slsg_edge.bench.metrics import metric_benchmark

    result = metric_benchmark(maps, side, streamed, folder)
    if as_json:
        tell(json.dumps(asdict(result)))
    else:
        _print(result)


def _print(result: "MetricBenchmark") -> None:
    from rich.table import Table

    console = plain_console()
    side = f"{result.side}x{result.side}"
    compared = Table(f"maps of {side}", "ours core s", "other core s", "ratio", "difference")
    for one in result.comparisons:
        compared.add_row(
            one.what,
            f"{one.ours:.3f}",
            f"{one.other:.2f}",
            f"{one.ratio:.1f}",
            f"{one.difference:.1e}",
        )
    growth = Table("all pixel metrics", "core s", "core ms per megapixel")
    for size in result.growth:
        what = f"{size.maps} maps of {size.side}x{size.side}"
        growth.add_row(what, f"{size.seconds:.3f}", f"{size.per_megapixel:.1f}")
    console.print(compared)
    console.print(growth)
    if result.streaming:
        many = result.streaming
        console.print(
            f"{many.maps} maps of {many.side}x{many.side} through disk: {many.seconds:.0f} s, "
            f"peak memory {many.peak_mb:.0f} MB"
        )
    console.print(f"peak memory with scikit-learn {result.peak_mb:.0f} MB; {result.machine.cpu}")
