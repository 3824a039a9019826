"""`slsg-edge bench line`: what a line adds to inference on this machine."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slsg_edge.cli.options import AsJson
from slsg_edge.cli.text import plain_console, say, tell

if TYPE_CHECKING:
    from slsg_edge.bench.line import LineBenchmark


def bench_line(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A calibrated bundle.")],
    stations: Annotated[
        str, typer.Option(metavar="N,N", help="How many stations at once, one after the other.")
    ] = "1,4",
    verdicts: Annotated[
        int, typer.Option(metavar="N", min=20, help="Verdicts to measure with each.")
    ] = 400,
    faults: Annotated[
        bool,
        typer.Option(
            "--faults/--latency-only",
            help="Also measure a PLC's requests, a camera that goes and comes, memory and idling.",
        ),
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Measure what a line adds to inference, how fast it notices a lost camera, and its costs."""
    import json
    from dataclasses import asdict

    from slsg_edge.bench.line import line_benchmark

    result = line_benchmark(bundle, _counts(stations), verdicts, say, faults)
    if as_json:
        tell(json.dumps(asdict(result)))
    else:
        _print(result)


def _counts(text: str) -> tuple[int, ...]:
    from slsg_edge.errors import ConfigError

    words = text.split(",")
    if not all(word.strip().isdecimal() and 0 < int(word) <= 64 for word in words):
        raise ConfigError(f"--stations {text} is no list of counts.", fix="Give 1,4 or so.")
    return tuple(int(word) for word in words)


def _print(result: "LineBenchmark") -> None:
    from rich.table import Table

    table = Table("stations", "verdicts", "bare ms", "added median ms", "added p99 ms", "total ms")
    for one in result.latencies:
        numbers = (one.bare, one.added_median, one.added_p99, one.total_median)
        table.add_row(str(one.stations), str(one.verdicts), *(f"{n:.2f}" for n in numbers))
    console = plain_console()
    console.print(table)
    console.print("added: from frame to verdict on the disk, without inference")
    for line in (_outbox(result), *_faults(result), result.machine.cpu):
        console.print(line)


def _outbox(result: "LineBenchmark") -> str:
    return (
        f"outbox: {result.per_second:.0f} verdicts a second on the disk when 2,000 a second are "
        f"given, the slowest after {result.slowest_ms:.0f} ms"
    )


def _faults(result: "LineBenchmark") -> list[str]:
    request, camera, costs = result.request, result.camera, result.costs
    if request is None or camera is None or costs is None:
        return []
    return [
        f"request of a PLC to verdict in its register: {request.total_median:.1f} ms median; "
        f"without inference {request.added_median:.1f} ms, at most {request.added_longest:.1f} ms",
        f"cable pulled to undecided: {_seconds(camera.pulled)}",
        f"camera without power to undecided: {_seconds(camera.killed)}",
        f"camera listens again to its first verdict: {_seconds(camera.back)}",
        f"memory: {costs.megabytes:.0f} MB with one camera, {costs.further:.0f} MB for each "
        "further one on the same bundle",
        f"while its camera is gone: {costs.idle:.1%} of a core",
    ]


def _seconds(median_and_longest: tuple[float, float]) -> str:
    return "{:.2f} s median, at most {:.2f} s".format(*median_and_longest)
