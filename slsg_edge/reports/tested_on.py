"""What an evaluation was made of: when, on which photos, by what, and how fast a part was."""

from datetime import datetime
from pathlib import Path

from slsg_edge.bundle.folder import Bundle
from slsg_edge.contracts import GOOD
from slsg_edge.evaluation.evaluate import Evaluation
from slsg_edge.evaluation.next_step import threshold_text
from slsg_edge.machine.host import cpu_model, usable_cores
from slsg_edge.runtime.detector import BackendChoice


def what_was_tested(
    bundle: Bundle, evaluation: Evaluation, choice: BackendChoice, data: Path
) -> dict[str, str]:
    """By name, for people; what is not known is left out."""
    pace = pace_text(evaluation)
    judged_by = evaluation.judged_by
    return {
        "product": data.resolve().name,
        "date": datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"),
        "photos": f"{_photos(evaluation)}, from {data.resolve()}",
        "bundle": f"{bundle.path.name}, detector {bundle.manifest.detector}",
        **({"threshold": threshold_text(judged_by)} if judged_by else {}),
        "machine": f"{cpu_model()}, {usable_cores()} cores, {choice.backend}",
        **({"speed": pace} if pace else {}),
    }


def pace_text(evaluation: Evaluation) -> str:
    """As `156 ms a part, 385 parts a minute`; empty where nothing was inspected."""
    ms = evaluation.part_ms
    if not ms:
        return ""
    return f"{ms:.3g} ms a part from file to verdict, {60_000 / ms:.3g} parts a minute"


def _photos(evaluation: Evaluation) -> str:
    kinds = {row.kind for row in evaluation.rows} - {GOOD}
    good = sum(row.sample.good for row in evaluation.rows)
    what = "with simulated anomalies" if evaluation.simulated else "defective"
    of_kinds = f" of {len(kinds)} kinds" if len(kinds) > 1 else ""
    defective = len(evaluation.rows) - good
    return f"{len(evaluation.rows)}: {good} good, {defective} {what}{of_kinds}"
