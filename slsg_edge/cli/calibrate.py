"""`slsg-edge calibrate`: scores good images, finds the threshold, writes it into the bundle."""

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slsg_edge.errors import ConfigError

if TYPE_CHECKING:
    from slsg_edge.contracts import Json
    from slsg_edge.scoring import Threshold


def calibrate(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="An exported bundle.")],
    images: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Good images that were not trained on, or the data set."),
    ] = None,
    false_alarms: Annotated[
        float, typer.Option(metavar="RATE", help="Share of good parts that may be rejected.")
    ] = 0.001,
    threshold: Annotated[
        float | None, typer.Option(metavar="VALUE", help="Set it by hand, between 0 and 1.")
    ] = None,
    backend: Annotated[
        str | None, typer.Option(metavar="NAME", help="What runs the model.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Find the threshold from good images alone."""
    from slsg_edge.bundle import open_bundle
    from slsg_edge.calibrating import threshold_from_images
    from slsg_edge.calibration.stored import moved_by_hand, store_threshold

    started = time.monotonic()
    opened = open_bundle(bundle)
    notes: tuple[str, ...] = ()
    if images is not None:
        found, notes = threshold_from_images(opened, images, false_alarms, threshold, backend)
    elif threshold is not None:
        found = moved_by_hand(opened, threshold)
    else:
        raise ConfigError("A threshold needs good images.", fix="Give --images DIR.")
    command = _command(bundle, images, false_alarms, threshold)
    store_threshold(opened, found, command, started)
    if as_json:
        _print_json(found, notes)
    else:
        _print(found, notes)


def _command(bundle: Path, images: Path | None, rate: float, by_hand: float | None) -> str:
    words = ["slsg-edge", "calibrate", str(bundle)]
    if images is not None:
        words += ["--images", str(images)]
    words += ["--false-alarms", f"{rate:g}"] if by_hand is None else ["--threshold", f"{by_hand:g}"]
    return shlex.join(words)


def _print_json(threshold: "Threshold", notes: tuple[str, ...]) -> None:
    import json

    from slsg_edge.calibration.threshold import advice

    result: dict[str, Json] = {
        "threshold": threshold.value,
        "method": threshold.method,
        "false_alarm_rate": threshold.false_alarm_rate,
        "interval": list(threshold.interval) if threshold.interval else None,
        "images": len(threshold.good_scores),
        "data_fingerprint": threshold.data_fingerprint,
        "advice": advice(threshold),
        "notes": list(notes),
    }
    typer.echo(json.dumps(result))


def _print(threshold: "Threshold", notes: tuple[str, ...]) -> None:
    from slsg_edge.calibration.threshold import advice

    typer.echo(f"threshold {threshold_line(threshold)}")
    for note in (*notes, advice(threshold)):
        if note:
            typer.echo(f"note: {note}")


def threshold_line(threshold: "Threshold") -> str:
    """The threshold, where it comes from and how sure it is, on one line."""
    parts = [f"{threshold.value:.4g} ({threshold.method})"]
    if threshold.interval:
        parts.append("90 % interval {:.4g} to {:.4g}".format(*threshold.interval))
    if threshold.false_alarm_rate:
        parts.append(f"false alarms 1 in {1 / threshold.false_alarm_rate:.0f}")
    parts.append(f"{len(threshold.good_scores)} good images")
    return ", ".join(parts)
