"""What is said of each image: one row of a Parquet file."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from slsg_edge.archive.pictures import Picture
from slsg_edge.contracts import AnomalyMap, Verdict
from slsg_edge.errors import MissingDependency
from slsg_edge.runtime.judged import Judged
from slsg_edge.scoring import undecided

if TYPE_CHECKING:
    from pyarrow import Schema

_TEXT = ("file", "member", "verdict", "reason", "detail", "bundle")


@dataclass(frozen=True, slots=True)
class Row:
    """map_peak and map_mean: of the anomaly map, 0 to 1. peak_x and peak_y: where its peak is, as
    shares of the width and the height. What was not inspected has a verdict and a reason only.
    """

    file: str
    member: str
    verdict: str
    score: float | None
    threshold: float | None
    p_value: float | None
    reason: str | None
    detail: str | None
    map_peak: float | None
    map_mean: float | None
    peak_x: float | None
    peak_y: float | None
    bundle: str


def schema() -> "Schema":
    """MissingDependency without pyarrow."""
    try:
        import pyarrow
    except ImportError as error:
        raise MissingDependency("pyarrow", extra="scale") from error
    kinds = {name: pyarrow.string() for name in _TEXT}
    names = Row.__dataclass_fields__
    return pyarrow.schema([(name, kinds.get(name, pyarrow.float64())) for name in names])


def row_of(picture: Picture, judged: Judged) -> Row:
    """Never raises: what cannot be inspected is undecided."""
    if picture.image is None:
        return undecided_row(picture, judged.fingerprint)
    examined = judged.examine(picture.image)
    summary = {} if examined.prediction is None else _summary(examined.prediction.anomaly_map)
    return _row(picture, examined.verdict, judged.fingerprint, summary)


def undecided_row(picture: Picture, bundle: str) -> Row:
    """Of a picture that is not there. bundle: its fingerprint."""
    assert picture.fault is not None
    return _row(picture, undecided(picture.fault), bundle, {})


def _row(picture: Picture, verdict: Verdict, bundle: str, summary: Mapping[str, float]) -> Row:
    return Row(
        picture.file,
        picture.member,
        verdict.outcome,
        verdict.score,
        verdict.threshold,
        verdict.p_value,
        verdict.reason,
        verdict.detail,
        summary.get("map_peak"),
        summary.get("map_mean"),
        summary.get("peak_x"),
        summary.get("peak_y"),
        bundle,
    )


def _summary(anomaly_map: AnomalyMap) -> dict[str, float]:
    height, width = anomaly_map.shape
    y, x = divmod(int(np.argmax(anomaly_map)), width)
    return {
        "map_peak": float(anomaly_map.max()),
        "map_mean": float(anomaly_map.mean()),
        "peak_x": (x + 0.5) / width,
        "peak_y": (y + 0.5) / height,
    }


def columns(rows: list[Row]) -> dict[str, list[Any]]:
    """The same, column by column."""
    tables = [asdict(row) for row in rows]
    return {name: [table[name] for table in tables] for name in Row.__dataclass_fields__}
