"""`slsg-edge bench`: of a bundle, or of a part by its name."""

from typing import Any

import typer
from typer.core import TyperGroup

from slsg_edge.cli.bench import bench
from slsg_edge.cli.bench_gpu import bench_gpu
from slsg_edge.cli.bench_line import bench_line
from slsg_edge.cli.bench_metrics import bench_metrics

_DEFAULT = "bundle"


class _BundleByDefault(TyperGroup):
    """`bench X.slsg` is `bench bundle X.slsg`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in self.get_help_option_names(ctx):
            args = [_DEFAULT, *args]
        return super().parse_args(ctx, args)


bench_group = typer.Typer(cls=_BundleByDefault, no_args_is_help=True)
bench_group.command(_DEFAULT)(bench)
bench_group.command("gpu")(bench_gpu)
bench_group.command("line")(bench_line)
bench_group.command("metrics")(bench_metrics)


@bench_group.callback()
def _describe() -> None:
    """Measure a bundle on this machine, stage by stage, or its GPU, a line, or the metrics."""
