"""`slsg-edge calibrate`: scores good images, finds the threshold, writes it into the bundle."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from slsg_edge.bundle.commands import recorded_command
from slsg_edge.calibration.sensitivity import Budget
from slsg_edge.cli.calibrate_int8 import Int8Options, run_int8
from slsg_edge.cli.calibrate_reviewed import calibrate_reviewed
from slsg_edge.cli.options import AsJson, Backend
from slsg_edge.cli.text import choice_note, plain_console, threshold_line
from slsg_edge.errors import ConfigError

if TYPE_CHECKING:
    from slsg_edge.bundle.folder import Bundle
    from slsg_edge.calibration.ranges import Method
    from slsg_edge.contracts import Json
    from slsg_edge.scoring import Threshold

DEFAULT_METHOD: "Method" = "mse"
DEFAULT_BUDGET = Budget()

# What goes with the option that says how to calibrate; of several the first says it.
TAKEN_BY: Mapping[str, tuple[str, ...]] = {
    "--add-reviewed": ("--backend", "--false-alarms", "--yes"),
    "--int8": (
        "--images", "--false-alarms", "--method", "--auroc-drop", "--rank", "--report",
    ),
    "--threshold": ("--images", "--replace", "--backend", "--parts-per-day"),
    "": (
        "--images", "--replace", "--false-alarms", "--undecided-band", "--backend",
        "--parts-per-day",
    ),
}  # fmt: skip


def calibrate(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="An exported bundle.")],
    images: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="More good images, or the data set. They join those of the training; without "
            "them the training's alone count.",
        ),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Let the given images alone count.")
    ] = False,
    false_alarms: Annotated[
        str | None,
        typer.Option(
            metavar="RATE",
            help="Share of good parts that may be rejected, as 0.01. By default `auto`: the "
            "strictest that the images can show and that finds nine in ten simulated anomalies, "
            "at most 0.05. INT8 and --add-reviewed take that of the threshold there is.",
        ),
    ] = None,
    undecided_band: Annotated[
        bool,
        typer.Option(
            "--undecided-band",
            help="Between the loosest and the strictest threshold that the images can show the "
            "verdict is `undecided`.",
        ),
    ] = False,
    parts_per_day: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Show false alarms a day of so many.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(metavar="VALUE", help="Set it by hand, between 0 and 1.")
    ] = None,
    backend: Backend = None,
    int8: Annotated[
        bool, typer.Option("--int8", help="Make the INT8 graph, and its threshold.")
    ] = False,
    method: Annotated[
        Literal["mse", "max", "percentile", "entropy"] | None,
        typer.Option(
            help="With --int8: where its scales clip what flows in the network; "
            f"{DEFAULT_METHOD} by default."
        ),
    ] = None,
    auroc_drop: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="With --int8: how far it may lower the AUROC between good images and anomalies "
            f"simulated in them; {DEFAULT_BUDGET.auroc_drop:g} by default.",
        ),
    ] = None,
    rank: Annotated[
        float | None,
        typer.Option(
            metavar="RHO",
            help="With --int8: how well the scores of the same images must keep their order, as "
            f"Spearman's correlation; {DEFAULT_BUDGET.rank:g} by default.",
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE.html", help="With --int8: what each group buys and costs."),
    ] = None,
    add_reviewed: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Rejects of the line, sorted into DIR/good and DIR/bad: show what the good ones "
            "would make of the threshold, and how many bad ones it would miss.",
        ),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="With --add-reviewed: take the new threshold.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Find the threshold from good images alone, or make the INT8 graph."""
    from slsg_edge.bundle.folder import open_bundle
    from slsg_edge.stages.threshold import Choice
    from slsg_edge.stages.threshold import calibrate as calibrate_bundle

    _require_options_apply(
        {
            "--images": images,
            "--replace": replace or None,
            "--false-alarms": false_alarms,
            "--undecided-band": undecided_band or None,
            "--parts-per-day": parts_per_day,
            "--threshold": threshold,
            "--backend": backend,
            "--int8": int8 or None,
            "--method": method,
            "--auroc-drop": auroc_drop,
            "--rank": rank,
            "--report": report,
            "--add-reviewed": add_reviewed,
            "--yes": yes or None,
        }
    )
    rate = _rate(false_alarms)
    if add_reviewed is not None:
        calibrate_reviewed(bundle, add_reviewed, rate, backend, yes, as_json)
        return
    opened = open_bundle(bundle)
    recorded: dict[str, object] = {
        "--images": images,
        "--replace": replace or None,
        "--backend": backend,
        "--false-alarms": rate,
        "--undecided-band": undecided_band or None,
        "--threshold": threshold,
    }
    if int8 and images is not None:
        options = Int8Options(
            DEFAULT_METHOD if method is None else method,
            DEFAULT_BUDGET.auroc_drop if auroc_drop is None else auroc_drop,
            DEFAULT_BUDGET.rank if rank is None else rank,
            rate or _stored_rate(opened),
        )
        run_int8(opened, images, options, report, recorded, as_json)
        return
    command = recorded_command("calibrate", recorded)
    choice = Choice(rate, threshold, undecided_band, replace)
    done = calibrate_bundle(opened, images, choice, backend, command=command)
    if as_json:
        _print_json(done.threshold, done.notes)
    else:
        _print(done.threshold, done.notes, parts_per_day)


def _require_options_apply(options: Mapping[str, object]) -> None:
    """ConfigError for an option that nothing would come of; one that is not given is None."""
    given = [name for name, value in options.items() if value is not None]
    way = next((name for name in TAKEN_BY if name in given), "")
    for name in given:
        if name != way and name not in TAKEN_BY[way]:
            raise ConfigError(
                f"{name} does not go with {way or 'finding a threshold'}, so nothing would come of "
                "it.",
                fix=f"Leave out {name}. What goes with {way or 'it'}: {', '.join(TAKEN_BY[way])}.",
            )
    if way == "--int8" and "--images" not in given:
        raise ConfigError("INT8 needs good images.", fix="Give --images DIR.")
    if "--replace" in given and "--images" not in given:
        raise ConfigError("--replace needs images to take their place.", fix="Give --images DIR.")


def _rate(text: str | None) -> float | None:
    """None for `auto`; ConfigError for what is no number."""
    if text in (None, "auto"):
        return None
    try:
        return float(text)
    except ValueError:
        raise ConfigError(
            f"--false-alarms is '{text}'.", fix="Give a number such as 0.01, or auto."
        ) from None


def _stored_rate(bundle: "Bundle") -> float | None:
    """What the threshold that INT8 is compared with promises."""
    stored = bundle.manifest.threshold
    return stored.false_alarm_rate if stored else None


def _print_json(threshold: "Threshold", notes: tuple[str, ...]) -> None:
    import json
    from dataclasses import asdict

    from slsg_edge.calibration.operating_points import weakness
    from slsg_edge.calibration.threshold import advice

    result: dict[str, Json] = {
        "threshold": threshold.value,
        "method": threshold.method,
        "false_alarm_rate": threshold.false_alarm_rate,
        "interval": list(threshold.interval) if threshold.interval else None,
        "images": len(threshold.good_scores),
        "data_fingerprint": threshold.data_fingerprint,
        "left_out": threshold.left_out,
        "undecided_above": threshold.undecided_above,
        "chosen_by": threshold.chosen_by,
        "points": [json.loads(json.dumps(asdict(point))) for point in threshold.points],
        "advice": advice(threshold),
        "weakness": weakness(threshold),
        "notes": list(notes),
    }
    typer.echo(json.dumps(result))


def _print(threshold: "Threshold", notes: tuple[str, ...], parts_per_day: int | None) -> None:
    from slsg_edge.calibration.operating_points import weakness
    from slsg_edge.calibration.threshold import advice
    from slsg_edge.cli.operating_points import points_table

    console = plain_console(soft_wrap=True)
    console.print(f"threshold {threshold_line(threshold)}")
    if threshold.points:
        console.print(points_table(threshold, parts_per_day))
    for note in (*notes, advice(threshold), choice_note(threshold)):
        if note:
            console.print(f"note: {note}")
    if weak := weakness(threshold):
        console.print(weak)
