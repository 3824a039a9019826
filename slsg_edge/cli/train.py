"""`slsg-edge train`: options and TOML to settings, then one training run."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from slsg_edge.training.settings import TrainSettings

INTERRUPTED = 130  # as a shell reports a process that Ctrl-C ended


def train(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A data set or good images.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="BUNDLE", help="As in juice.slsg.")
    ],
    config: Annotated[
        Path | None, typer.Option(metavar="FILE.toml", help="Settings; options below win.")
    ] = None,
    preset: Annotated[
        str | None, typer.Option(metavar="NAME", help="Synthesis rules of a known product.")
    ] = None,
    variant: Annotated[
        Literal["paper", "edge"] | None, typer.Option(help="The network; paper by default.")
    ] = None,
    pretrain: Annotated[
        Literal["shuffle", "mask", "both", "none"] | None,
        typer.Option(help="Stage 1's task; both by default."),
    ] = None,
    pretrain_epochs: Annotated[
        int | None, typer.Option(metavar="N", help="Of stage 1; 75 by default.")
    ] = None,
    iterations: Annotated[
        int | None, typer.Option(metavar="N", help="Of stage 2; 3501 by default.")
    ] = None,
    encoder_batch_norm: Annotated[
        Literal["batch", "frozen"] | None,
        typer.Option(help="Statistics of the frozen encoder; batch, the paper's, by default."),
    ] = None,
    backbone_weights: Annotated[
        str, typer.Option(metavar="WHERE", help="imagenet, none or a file.")
    ] = "imagenet",
    textures: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Texture photos; else procedural ones.")
    ] = None,
    size: Annotated[
        int | None, typer.Option(metavar="PIXELS", help="Model resolution; 256 by default.")
    ] = None,
    roi: Annotated[
        str | None, typer.Option(metavar="X,Y,W,H", help="The part of each frame to inspect.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same weights.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    workers: Annotated[
        int | None, typer.Option(metavar="N", help="Processes that simulate anomalies.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a stopped run.")] = False,
) -> None:
    """Train SLSG on a folder of good images."""
    from slsg_edge.training.loop import Interrupted
    from slsg_edge.training.settings import Resources
    from slsg_edge.training.trainer import train as run

    chosen: dict[str, dict[str, Any]] = {
        "": {"seed": seed},
        "model": {"variant": variant},
        "preprocessing": {"height": size, "width": size, "roi": roi},
        "pretraining": {"task": pretrain, "epochs": pretrain_epochs},
        "training": {"iterations": iterations, "encoder_batch_norm": encoder_batch_norm},
    }
    settings = settings_from_options(config, preset, chosen)
    resources = Resources(backbone_weights, textures, device, workers)
    command = shlex.join(["slsg-edge", *sys.argv[1:]])
    try:
        run(data, output, settings, resources, command=command, resume=resume, say=_say)
    except Interrupted as stopped:
        _say(f"{stopped}. Go on with: {command}{'' if resume else ' --resume'}")
        raise typer.Exit(INTERRUPTED) from stopped
    typer.echo(f"{output}: trained. Curves and simulated anomalies: {output.with_suffix('.run')}")
    typer.echo(f"next: slsg-edge export {output}")


def settings_from_options(
    config: Path | None, preset: str | None, chosen: dict[str, dict[str, Any]]
) -> "TrainSettings":
    """Defaults, then the preset, then the TOML file, then the options."""
    from dataclasses import asdict

    from slsg_edge.config import read_toml, settings_from_table
    from slsg_edge.preprocessing import roi_from_text
    from slsg_edge.synthesis.presets import preset_file
    from slsg_edge.training.settings import TrainSettings

    settings = TrainSettings()
    for path in (preset_file(preset) if preset else None, config):
        if path is not None:
            settings = settings_from_table(TrainSettings, read_toml(path), path.name, settings)
    if text := chosen["preprocessing"].pop("roi"):
        chosen["preprocessing"]["roi"] = asdict(roi_from_text(text))
    table = chosen.pop("")
    table.update({name: given for name, values in chosen.items() if (given := _given(values))})
    return settings_from_table(TrainSettings, _given(table), "the command line", settings)


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _say(text: str) -> None:
    typer.echo(text, err=True)
