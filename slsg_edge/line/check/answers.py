"""What a part of a line answered when it was tried."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from slsg_edge.errors import SlsgError
from slsg_edge.line.service.logs import without_secrets
from slsg_edge.runtime.reasons import described, one_line


@dataclass(frozen=True, slots=True)
class SinkCheck:
    """said: what it answered, or why there is no answer; fix: what to do then."""

    name: str
    kind: str
    ok: bool
    said: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class StationCheck:
    """One inspected frame of a station.

    verdict, score, reason: of that frame; None where there was none. latency_ms: by stage, from
    the frame to the durable verdict. limit_ms: what it may come to. picture: where it is.
    """

    name: str
    ok: bool
    said: str
    fix: str = ""
    backend: str = ""
    size: str = ""
    verdict: str | None = None
    score: float | None = None
    threshold: float | None = None
    reason: str | None = None
    latency_ms: Mapping[str, float] = field(default_factory=dict)
    limit_ms: float = 0.0
    picture: str | None = None

    @property
    def total_ms(self) -> float:
        return sum(self.latency_ms.values())


def told(error: Exception) -> tuple[str, str]:
    """What went wrong and what to do, without a credential."""
    if isinstance(error, SlsgError):
        return without_secrets(error.what), without_secrets(error.fix)
    if isinstance(error, ModuleNotFoundError):
        return f"{error.name} is not installed.", "Run: pip install 'slsg-edge[line,station]'"
    return without_secrets(one_line(described(error))), "Check the address and the network."
