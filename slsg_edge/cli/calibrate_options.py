"""The options of `slsg-edge calibrate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from slsg_edge.calibration.costs import DEFECT_RATE, FEWEST_DEFECTS
from slsg_edge.calibration.sensitivity import Budget

if TYPE_CHECKING:
    from slsg_edge.calibration.ranges import Method

DEFAULT_METHOD: "Method" = "mse"
DEFAULT_BUDGET = Budget()

Images: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="More good images, or the data set. They join those of the training; without "
        "them the training's alone count.",
    ),
]
Replace: TypeAlias = Annotated[
    bool, typer.Option("--replace", help="Let the given images alone count.")
]
FalseAlarms: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="RATE",
        help="Share of good parts that may be rejected, as 0.01. By default `auto`: the "
        "strictest that the images can show and that finds nine in ten simulated anomalies, "
        "at most 0.05. INT8 and --add-reviewed take that of the threshold there is; where "
        "simulated anomalies chose it, --add-reviewed has them choose again.",
    ),
]
UndecidedBand: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--undecided-band",
        help="Between the loosest and the strictest threshold that the images can show the "
        "verdict is `undecided`.",
    ),
]
Defects: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Images of defective parts: show how many of them each false-alarm rate misses. "
        "They train nothing, and without costs they choose nothing.",
    ),
]
CostMiss: TypeAlias = Annotated[
    float | None,
    typer.Option(
        metavar="COST",
        help=f"With --defects, of which it takes {FEWEST_DEFECTS}: what a missed defect costs. "
        "The rate is taken that costs least a part.",
    ),
]
CostFalseAlarm: TypeAlias = Annotated[
    float | None,
    typer.Option(metavar="COST", help="What a rejected good part costs, in the same unit."),
]
DefectRate: TypeAlias = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        help=f"With costs: how many of all parts are defective; {DEFECT_RATE:g} by default.",
    ),
]
PartsPerDay: TypeAlias = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Show false alarms a day of so many.")
]
ByHand: TypeAlias = Annotated[
    float | None, typer.Option(metavar="VALUE", help="Set it by hand, between 0 and 1.")
]
Int8: TypeAlias = Annotated[
    bool, typer.Option("--int8", help="Make the INT8 graph, and its threshold.")
]
ScaleMethod: TypeAlias = Annotated[
    Literal["mse", "max", "percentile", "entropy"] | None,
    typer.Option(
        help="With --int8: where its scales clip what flows in the network; "
        f"{DEFAULT_METHOD} by default."
    ),
]
AurocDrop: TypeAlias = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        help="With --int8: how far it may lower the AUROC between good images and anomalies "
        f"simulated in them; {DEFAULT_BUDGET.auroc_drop:g} by default.",
    ),
]
Rank: TypeAlias = Annotated[
    float | None,
    typer.Option(
        metavar="RHO",
        help="With --int8: how well the scores of the same images must keep their order, as "
        f"Spearman's correlation; {DEFAULT_BUDGET.rank:g} by default.",
    ),
]
Report: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FILE.html", help="With --int8: what each group buys and costs."),
]
AddReviewed: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Rejects of the line, sorted into DIR/good and DIR/bad: show what the good ones "
        "would make of the threshold, and how many bad ones it would miss.",
    ),
]
Yes: TypeAlias = Annotated[
    bool, typer.Option("--yes", help="With --add-reviewed: take the new threshold.")
]
