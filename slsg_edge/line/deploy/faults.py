"""Which verdicts say something of a bundle, and when its first frames speak against it."""

from slsg_edge.line.deploy.state import Probation
from slsg_edge.line.records import Record

_OF_THE_CAMERA = frozenset(
    {"damaged_frame", "frozen", "no_frame", "several_pages", "stale", "too_large", "unreadable"}
)
MOST_FAILURES = 3  # of the detector
MOST_STARTS = 3  # of a line that did not get through the probation


def of_the_camera(record: Record) -> bool:
    """Whether no bundle could have inspected this frame."""
    return record.reason in _OF_THE_CAMERA


def excess(probation: Probation, failures: int, failure: str) -> str | None:
    """Why a bundle has to go, as soon as that is certain; None where it has not."""
    if failures >= MOST_FAILURES:
        return f"the detector failed {failures} times: {failure}"
    if probation.rejected > probation.most * probation.frames:
        return (
            f"{probation.rejected} of its first {probation.seen} parts were not good, where at "
            f"most {probation.most:.0%} of {probation.frames} may be"
        )
    if probation.seen >= probation.frames and probation.rejected < probation.least * probation.seen:
        return (
            f"only {probation.rejected} of its first {probation.seen} parts were not good, where "
            f"at least {probation.least:.0%} should be"
        )
    return None
