"""`slsg-edge train`: options and TOML to settings, then one training run."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from slsg_edge.bundle.commands import recorded_words
from slsg_edge.cli.options import Workers
from slsg_edge.cli.stopping import INTERRUPTED
from slsg_edge.cli.text import plain_console, say, tell
from slsg_edge.cli.trust_options import note_change
from slsg_edge.errors import ConfigError

if TYPE_CHECKING:
    from slsg_edge.stages.choose_detector import DetectorChoice

AUTO = "auto"


def train(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A data set or good images.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="BUNDLE", help="As in juice.slsg.")
    ],
    detector: Annotated[
        str | None, typer.Option(metavar="NAME", help="slsg by default; auto compares quick ones.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE.toml", help="Settings; options below win.")
    ] = None,
    preset: Annotated[
        str | None, typer.Option(metavar="NAME", help="Synthesis rules of a known product.")
    ] = None,
    variant: Annotated[
        Literal["paper", "edge"] | None,
        typer.Option(help="Of SLSG; paper on a GPU, else edge."),
    ] = None,
    pretrain: Annotated[
        Literal["shuffle", "mask", "both", "none"] | None,
        typer.Option(help="SLSG's stage 1; both by default, none for edge on a CPU."),
    ] = None,
    pretrain_epochs: Annotated[
        int | None, typer.Option(metavar="N", help="Of stage 1; 75, or 1 from noise on a CPU.")
    ] = None,
    iterations: Annotated[
        int | None, typer.Option(metavar="N", help="As the detector has it by default.")
    ] = None,
    encoder_batch_norm: Annotated[
        Literal["batch", "frozen"] | None,
        typer.Option(help="Statistics of the frozen encoder; batch, or frozen for edge on a CPU."),
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
    folds: Annotated[
        int | None,
        typer.Option(metavar="K", help="K more trainings score each good image; none held out."),
    ] = None,
    roi: Annotated[
        str | None, typer.Option(metavar="X,Y,W,H", help="The part of each frame to inspect.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same weights.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    workers: Workers = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any setting, as model.backbone=resnet50."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a stopped run.")] = False,
) -> None:
    """Train a detector on a folder of good images."""
    from slsg_edge.config import require
    from slsg_edge.preprocessing import roi_from_text
    from slsg_edge.stages.choose_detector import train_best
    from slsg_edge.stages.settings import settings_here
    from slsg_edge.stages.train import train as run
    from slsg_edge.training.loop import Interrupted
    from slsg_edge.training.settings import FEWEST_FOLDS, Resources

    given = {
        "seed": seed,
        "folds": folds,
        "model.variant": variant,
        "preprocessing.height": size,
        "preprocessing.width": size,
        "preprocessing.roi": asdict(roi_from_text(roi)) if roi else None,
        "pretraining.task": pretrain,
        "pretraining.epochs": pretrain_epochs,
        "training.iterations": iterations,
        "training.encoder_batch_norm": encoder_batch_norm,
    }
    files, options = _files(preset, config), _options(given, set_ or ())
    resources = Resources(backbone_weights, textures, device, workers)
    words = ["slsg-edge", *sys.argv[1:]]
    command = recorded_words(words, str(output))
    curves, automatic = output, detector == AUTO
    require(
        not (automatic and resume),
        "--resume does not go with --detector auto: what was stopped goes on by itself.",
        "Give the same command without --resume.",
    )
    require(
        folds is None or folds >= FEWEST_FOLDS,
        f"--folds is {folds}.",
        f"Give {FEWEST_FOLDS} or more, as in --folds 5, or leave it out.",
    )
    require(
        not (automatic and folds),
        "--folds does not go with --detector auto, which compares detectors on images held out.",
        "Choose one with --detector auto first, then train it with --detector NAME --folds K.",
    )
    try:
        if automatic:
            pick = train_best(data, output, files, options, resources, command=command, notify=say)
            _print_pick(pick)
            curves = output if pick.chosen.shortened else pick.chosen.bundle.path
        else:
            settings = settings_here(detector, files, options, resources, say)
            run(data, output, settings, resources, command=command, resume=resume, notify=say)
    except Interrupted as stopped:
        again = [*words, *([] if resume or automatic else ["--resume"])]
        say(f"{stopped}. Go on with: {shlex.join(again)}")
        raise typer.Exit(INTERRUPTED) from stopped
    note_change(output, "train")
    tell(f"{output}: trained. Curves and simulated anomalies: {curves.with_suffix('.run')}")
    tell(f"next: {shlex.join(['slsg-edge', 'export', str(output)])}")


def _files(preset: str | None, config: Path | None) -> list[Path]:
    from slsg_edge.synthesis.presets import preset_file

    return [path for path in (preset_file(preset) if preset else None, config) if path]


def _options(given: Mapping[str, object], settings: Sequence[str]) -> dict[str, Any]:
    """A table of tables; `settings` are KEY=VALUE with values as in TOML, quotes left out."""
    from slsg_edge.config import value_from_text
    from slsg_edge.stages.settings import put

    options: dict[str, Any] = {}
    for key, value in given.items():
        put(options, key, value)
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise ConfigError(f"--set {setting} sets nothing.", fix="Give KEY=VALUE.")
        put(options, key.strip(), value_from_text(text))
    return options


def _print_pick(pick: "DetectorChoice") -> None:
    """One row per detector that was tried, and which is taken and why."""
    from rich import box
    from rich.table import Table

    table = Table("detector", "AUROC on simulated", "training", "a frame", box=box.SIMPLE_HEAD)
    for candidate in pick.candidates:
        auroc = (
            f"{candidate.auroc.value:.3f} ({candidate.auroc.low:.3f} to {candidate.auroc.high:.3f})"
        )
        cut = ", cut short" if candidate.shortened else ""
        took = f"{candidate.milliseconds:.1f} ms, {candidate.backend}"
        table.add_row(candidate.detector, auroc, f"{candidate.seconds:.0f} s{cut}", took)
    plain_console().print(table)
    tell(
        f"{pick.chosen.detector} is taken: {pick.reason}. Compared on {pick.good} held-out good "
        f"images and {pick.simulated} simulated anomalies; only `eval` on real defects is proof."
    )
