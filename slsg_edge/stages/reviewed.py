"""What the threshold would become with reviewed rejects, before anything is written."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.plan import threshold_stage
from slsg_edge.bundle.thresholds import calibration_command, own_threshold_name, threshold_of
from slsg_edge.bundle.training_record import trained_on
from slsg_edge.calibration.acquisitions import acquisition_notes
from slsg_edge.calibration.operating_points import weakness
from slsg_edge.calibration.reviewed import (
    Reviewed,
    above,
    choose_reviewed,
    joined_threshold,
    passing,
    rate_to_join_for,
)
from slsg_edge.calibration.storing import store_threshold
from slsg_edge.calibration.threshold import advice
from slsg_edge.errors import BundleError
from slsg_edge.runtime.detector import choose
from slsg_edge.scoring import Threshold
from slsg_edge.stages.defects import no_longer_counted, scores_by_file
from slsg_edge.stages.threshold import backend_to_calibrate

BIASED = (
    "Rejects are the highest scores of what the line saw, not a sample of it: they pull the "
    "threshold up further than as many good parts taken at random would. Where that misses too "
    "much, train again with these good images instead."
)
BAD_ONLY_COUNTED = "Bad ones are counted here and nothing else: they choose no threshold."
STAYS = "No good one is new, so the threshold stays."


@dataclass(frozen=True, slots=True)
class Proposal:
    """`then` is None when no good image is new. Scores by file, of `backend`."""

    backend: str
    now: Threshold
    then: Threshold | None
    good: Mapping[Path, float]
    bad: Mapping[Path, float]
    notes: tuple[str, ...]

    def false_alarms(self, threshold: Threshold) -> int:
        """Of the new good ones."""
        return above(self.good.values(), threshold)

    def misses(self, threshold: Threshold) -> int:
        """Of all the bad ones; those between two thresholds are not missed, but undecided."""
        return passing(self.bad.values(), threshold)


def propose(
    bundle: Bundle,
    folder: Path,
    rate: float | None,
    backend: str | None,
    *,
    by_simulated: bool = False,
) -> Proposal:
    """`rate` None: that of the threshold there is, chosen anew where simulated anomalies chose it.

    by_simulated: chosen by these in any case.
    BundleError without good scores that others could join, DatasetError for what is no review.
    """
    choice = backend_to_calibrate(bundle, backend)
    own = own_threshold_name(choice.backend)
    now = threshold_of(bundle, own)
    if not now.images or len(now.images) != len(now.good_scores):
        raise BundleError(
            f"{bundle.path} does not say which good images its threshold is from, so nothing can "
            "join them without counting twice.",
            fix=f"Run: {calibration_command(bundle, own)}",
        )
    chosen = choose_reviewed(folder, now.images, trained_on(bundle))
    paths = [*chosen.good.values(), *chosen.bad.values()]
    scores = scores_by_file(bundle, choice.backend, paths, "reviewed images")
    if rate is None and not by_simulated:
        rate = rate_to_join_for(now)
    found = _proposal(choice.backend, now, chosen, scores, rate)
    return replace(found, notes=(*found.notes, *_other_threshold(bundle, own, folder)))


def take_over(bundle: Bundle, proposal: Proposal, command: str, started: float) -> Bundle:
    """Writes the new threshold; a proposal without one is a ValueError.

    The stage's command is what it was and then this one: that is what finds this threshold again
    when the model has changed.
    """
    if proposal.then is None:
        raise ValueError("there is no new threshold")
    backend = proposal.backend
    stage = bundle.manifest.stages[threshold_stage(own_threshold_name(backend))]
    commands = f"{stage.command} && {command}"
    return store_threshold(bundle, proposal.then, commands, started, backend)


def _proposal(
    backend: str,
    now: Threshold,
    chosen: Reviewed,
    scores: Mapping[Path, float],
    rate: float | None,
) -> Proposal:
    new = {digest: scores[path] for digest, path in chosen.good.items()}
    then = joined_threshold(now, new, rate) if new else None
    notes = [*chosen.notes, *(_notes(now, then) if then else [STAYS])]
    if chosen.bad:
        notes.append(BAD_ONLY_COUNTED)
    return Proposal(
        backend,
        now,
        then,
        {path: scores[path] for path in chosen.good.values()},
        {path: scores[path] for path in chosen.bad.values()},
        tuple(notes),
    )


def _notes(now: Threshold, then: Threshold) -> list[str]:
    found = [BIASED, *(acquisition_notes(then) if then.acquisitions else [])]
    said = (advice(then), weakness(then))
    return [*found, *no_longer_counted(now, then), *(text for text in said if text)]


def _other_threshold(bundle: Bundle, own: str | None, folder: Path) -> list[str]:
    """The line takes the best backend, which may be judged by another threshold than this one."""
    best = choose(bundle).backend
    if own_threshold_name(best) == own:
        return []
    words = ["slsg-edge", "calibrate", str(bundle.path), "--add-reviewed", str(folder)]
    return [
        f"`slsg-edge watch` runs {best} here, which another threshold judges. For that one: "
        f"{shlex.join([*words, '--backend', best])}"
    ]
