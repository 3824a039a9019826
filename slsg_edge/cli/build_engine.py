"""`slsg-edge build-engine`: a graph of the bundle as a proved TensorRT engine."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from slsg_edge.bundle.commands import recorded_command
from slsg_edge.cli.options import AsJson
from slsg_edge.cli.text import tell, threshold_line
from slsg_edge.cli.trust_options import note_change
from slsg_edge.errors import ConfigError

if TYPE_CHECKING:
    from slsg_edge.contracts import Precision
    from slsg_edge.stages.engine import EngineBuild
    from slsg_edge.stages.threshold import Refit

_LEAST_WORKSPACE = 16  # MB: below, no convolution finds a kernel


def build_engine(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="An exported bundle.")],
    precision: Annotated[
        Literal["fp32", "fp16", "int8"], typer.Option(help="Which of the bundle's graphs.")
    ] = "fp16",
    target: Annotated[
        str,
        typer.Option(
            metavar="TARGET",
            help="current: this machine's GPU. rtx: any RTX GPU from Ampere on, needs no GPU. "
            "sm86,sm89: only these.",
        ),
    ] = "current",
    workspace_mb: Annotated[
        int, typer.Option(min=_LEAST_WORKSPACE, metavar="MB", help="GPU memory for kernels.")
    ] = 1024,
    dynamic_batch: Annotated[
        str | None,
        typer.Option(
            metavar="MIN,USUAL,MAX", help="Frames at a time, of a graph with a dynamic batch."
        ),
    ] = None,
    dla: Annotated[
        int | None,
        typer.Option(metavar="CORE", help="Convolutions on this DLA core of an Orin."),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Good images, for a threshold on the engine's own scores."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Build a TensorRT engine and prove that it has the precision."""
    from slsg_edge.bundle.engine_record import EngineOptions
    from slsg_edge.bundle.folder import open_bundle
    from slsg_edge.stages.engine import build_and_refit, target_named

    wanted = target_named(target)
    options = EngineOptions(
        precision, workspace_mb, wanted.capabilities, _batches(dynamic_batch), dla
    )
    _check_dla(options.precision, target, dla)
    command = recorded_command(
        "build-engine",
        {
            "--target": target,
            "--precision": precision,
            "--workspace-mb": workspace_mb,
            "--dynamic-batch": dynamic_batch,
            "--dla": dla,
            "--images": images,
        },
    )
    done, refit = build_and_refit(open_bundle(bundle), wanted, options, images, command)
    if as_json:
        _print_json(done, refit)
    else:
        _print(done, refit)
    note_change(bundle, f"engine {done.engine.name}")


def _batches(text: str | None) -> tuple[int, ...]:
    """`1,4,8`; one number stands for all three."""
    if text is None:
        return ()
    parts = text.split(",")
    numbers = tuple(int(part) for part in parts if part.strip().isdecimal())
    if len(parts) == 1:
        numbers *= 3
    if len(numbers) != 3 or numbers[0] < 1 or list(numbers) != sorted(numbers):
        raise ConfigError(
            f"'{text}' is no choice of batches.",
            fix="Give the smallest, the usual and the largest, as in 1,4,8.",
        )
    return numbers


def _check_dla(precision: "Precision", target: str, core: int | None) -> None:
    if core is not None and (precision == "fp32" or target != "current"):
        raise ConfigError(
            "A DLA computes in fp16 and int8, and only on this machine.",
            fix="Give --precision fp16 and leave out --target.",
        )


def _print_json(done: "EngineBuild", refit: "Refit | None") -> None:
    import dataclasses
    import json

    fingerprint = dataclasses.asdict(done.fingerprint)
    result = {"engine": str(done.engine), **fingerprint, "warnings": list(done.warnings)}
    if refit:
        result |= {
            "difference": dataclasses.asdict(refit.difference),
            "threshold": refit.threshold and refit.threshold.value,
            "missing_threshold": refit.missing,
        }
    tell(json.dumps(result))


def _print(done: "EngineBuild", refit: "Refit | None") -> None:
    found = done.fingerprint
    tell(f"{done.engine}: {found.size / 1e6:.1f} MB for {found.built_for}")
    tell(f"{found.tensorrt} {found.version}, {found.seconds:.1f} s, {found.peak_mb:.0f} MB at peak")
    kinds = ("CONVOLUTION", "MATRIX_MULTIPLY")
    counts = [f"{n.count} {n.kind} in {n.dtype}" for n in found.layers if n.kind in kinds]
    where = "the network and the built engine" if found.opened else "the network"
    tell(f"proved in {where}: {', '.join(counts).lower().replace('_', ' ')}")
    for warning in done.warnings:
        tell(f"note: {warning}")
    if refit:
        tell(f"golden frames: {refit.difference}")
        if refit.threshold:
            tell(f"threshold of its own: {threshold_line(refit.threshold)}")
        if refit.missing:
            tell(f"next: its scores moved, so run: {refit.missing}")
