"""`slsg-edge calibrate`: scores good images, finds the threshold, writes it into the bundle."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slsg_edge.bundle.commands import recorded_command
from slsg_edge.calibration.costs import DEFECT_RATE, Costs
from slsg_edge.cli.calibrate_int8 import Int8Options, run_int8
from slsg_edge.cli.calibrate_options import (
    DEFAULT_BUDGET,
    DEFAULT_METHOD,
    AddReviewed,
    AurocDrop,
    ByHand,
    CostFalseAlarm,
    CostMiss,
    DefectRate,
    Defects,
    FalseAlarms,
    Images,
    Int8,
    PartsPerDay,
    Rank,
    Replace,
    Report,
    ScaleMethod,
    UndecidedBand,
    Yes,
)
from slsg_edge.cli.calibrate_reviewed import calibrate_reviewed
from slsg_edge.cli.options import AsJson, Backend
from slsg_edge.cli.text import (
    choice_note,
    next_after_calibrate,
    plain_console,
    tell,
    threshold_line,
)
from slsg_edge.cli.trust_options import note_change
from slsg_edge.errors import ConfigError

if TYPE_CHECKING:
    from slsg_edge.bundle.folder import Bundle
    from slsg_edge.contracts import Json
    from slsg_edge.scoring import OperatingPoint
    from slsg_edge.stages.threshold import Calibrated

_COSTS = ("--cost-miss", "--cost-false-alarm", "--defect-rate")

# What goes with the option that says how to calibrate; of several the first says it.
TAKEN_BY: Mapping[str, tuple[str, ...]] = {
    "--add-reviewed": ("--backend", "--false-alarms", "--yes"),
    "--int8": (
        "--images", "--false-alarms", "--method", "--auroc-drop", "--rank", "--report",
    ),
    "--threshold": ("--images", "--replace", "--backend", "--parts-per-day"),
    **dict.fromkeys(
        _COSTS, ("--defects", *_COSTS, "--images", "--replace", "--backend", "--parts-per-day")
    ),
    "": (
        "--images", "--replace", "--false-alarms", "--undecided-band", "--defects", "--backend",
        "--parts-per-day",
    ),
}  # fmt: skip

# An option, what nothing would come of it without, why, and what to do.
NEEDED = (
    ("--int8", "--images", "INT8 needs good images.", "Give --images DIR."),
    ("--replace", "--images", "--replace needs images to take their place.", "Give --images DIR."),
    *(
        (cost, "--defects", f"{cost} needs defects to count the misses of.", "Give --defects DIR.")
        for cost in _COSTS
    ),
    *(
        (cost, other, f"{cost} is worth nothing without {other}.", f"Give {other} too.")
        for cost in _COSTS
        for other in _COSTS[:2]
        if cost != other
    ),
)


def calibrate(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="An exported bundle.")],
    images: Images = None,
    replace: Replace = False,
    false_alarms: FalseAlarms = None,
    undecided_band: UndecidedBand = False,
    defects: Defects = None,
    cost_miss: CostMiss = None,
    cost_false_alarm: CostFalseAlarm = None,
    defect_rate: DefectRate = None,
    parts_per_day: PartsPerDay = None,
    threshold: ByHand = None,
    backend: Backend = None,
    int8: Int8 = False,
    method: ScaleMethod = None,
    auroc_drop: AurocDrop = None,
    rank: Rank = None,
    report: Report = None,
    add_reviewed: AddReviewed = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Find the threshold from good images alone, or make the INT8 graph."""
    from slsg_edge.bundle.folder import open_bundle
    from slsg_edge.stages.threshold import Choice
    from slsg_edge.stages.threshold import calibrate as calibrate_bundle

    recorded: dict[str, object] = {
        "--images": images,
        "--replace": replace or None,
        "--backend": backend,
        "--false-alarms": false_alarms,
        "--undecided-band": undecided_band or None,
        "--defects": defects,
        "--cost-miss": cost_miss,
        "--cost-false-alarm": cost_false_alarm,
        "--defect-rate": defect_rate,
        "--threshold": threshold,
    }
    _require_options_apply(
        {
            **recorded,
            "--parts-per-day": parts_per_day,
            "--int8": int8 or None,
            "--method": method,
            "--auroc-drop": auroc_drop,
            "--rank": rank,
            "--report": report,
            "--add-reviewed": add_reviewed,
            "--yes": yes or None,
        }
    )
    rate, costs = _rate(false_alarms), _costs(cost_miss, cost_false_alarm, defect_rate)
    if add_reviewed is not None:
        by_simulated = false_alarms == "auto"
        calibrate_reviewed(bundle, add_reviewed, rate, backend, yes, as_json, by_simulated)
        return
    opened = open_bundle(bundle)
    recorded |= {"--false-alarms": rate, "--defect-rate": costs.defect_rate if costs else None}
    if int8 and images is not None:
        options = Int8Options(
            DEFAULT_METHOD if method is None else method,
            DEFAULT_BUDGET.auroc_drop if auroc_drop is None else auroc_drop,
            DEFAULT_BUDGET.rank if rank is None else rank,
            _stored_rate(opened) if rate is None else rate,
        )
        run_int8(opened, images, options, report, recorded, as_json)
        note_change(bundle, "calibrate --int8")
        return
    command = recorded_command("calibrate", recorded)
    choice = Choice(rate, threshold, undecided_band, replace, defects, costs)
    done = calibrate_bundle(opened, images, choice, backend, command=command)
    if as_json:
        _print_json(done, costs)
    else:
        _print(done, costs, parts_per_day)
    note_change(bundle, f"threshold {done.threshold.value:.6g}")


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
    for option, other, why, fix in NEEDED:
        if option in given and other not in given:
            raise ConfigError(why, fix=fix)


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


def _costs(
    miss: float | None, false_alarm: float | None, defect_rate: float | None
) -> Costs | None:
    if miss is None or false_alarm is None:
        return None
    return Costs(miss, false_alarm, DEFECT_RATE if defect_rate is None else defect_rate)


def _stored_rate(bundle: "Bundle") -> float | None:
    """What the threshold that INT8 is compared with promises."""
    stored = bundle.manifest.threshold
    return stored.false_alarm_rate if stored else None


def _print_json(done: "Calibrated", costs: Costs | None) -> None:
    import json

    from slsg_edge.calibration.operating_points import weakness
    from slsg_edge.calibration.threshold import advice

    threshold = done.threshold
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
        "points": [_point(point, costs) for point in threshold.points],
        "advice": advice(threshold),
        "weakness": weakness(threshold),
        "notes": list(done.notes),
    }
    if costs is not None:
        result["defect_rate"] = costs.defect_rate
    tell(json.dumps(result))


def _point(point: "OperatingPoint", costs: Costs | None) -> "dict[str, Json]":
    import json
    from dataclasses import asdict

    from slsg_edge.metrics.intervals import exact_share

    table: dict[str, Json] = json.loads(json.dumps(asdict(point)))
    if point.defects and point.missed is not None:
        share = exact_share(point.missed, point.defects)
        table["missed_interval"] = [share.low, share.high]
    if costs is not None:
        table["cost"] = costs.expected(point)
    return table


def _print(done: "Calibrated", costs: Costs | None, parts_per_day: int | None) -> None:
    from slsg_edge.calibration.operating_points import weakness
    from slsg_edge.calibration.threshold import advice
    from slsg_edge.cli.operating_points import points_table

    console, threshold = plain_console(soft_wrap=True), done.threshold
    console.print(f"threshold {threshold_line(threshold)}")
    if threshold.points:
        console.print(points_table(threshold, parts_per_day, costs))
    for note in (*done.notes, advice(threshold), choice_note(threshold), _said_of(costs)):
        if note:
            console.print(f"note: {note}")
    if weak := weakness(threshold):
        console.print(weak)
    console.print(next_after_calibrate(done.bundle.path))


def _said_of(costs: Costs | None) -> str | None:
    if costs is None:
        return None
    return (
        f"Costs a part are those of a miss at {costs.miss:g} and a false alarm at "
        f"{costs.false_alarm:g}, where {costs.defect_rate:.3g} of all parts are defective; "
        "--defect-rate sets that share."
    )
