"""The nodes of one station in an OPC UA server, named after OPC 40100-1 (machine vision).

State, recipe and result stand where that model has them. They are variables in a namespace of our
own: methods, events and the types of the companion specification are not there.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timezone
from math import nan
from typing import TYPE_CHECKING, Any

from slsg_edge.line.outbox.entries import Stored
from slsg_edge.line.service.status import SourceState

if TYPE_CHECKING:
    from asyncua.common.node import Node

NAMESPACE = "urn:slsg-edge:line"
_STATE, _MODE = "VisionStateMachine.CurrentState", "VisionStateMachine.AutomaticMode.CurrentState"
_HEARTBEAT = "Heartbeat"
_RECIPE, _RESULT = "RecipeManagement.ActiveRecipe", "ResultManagement.Result"
# State of the vision system, and of its automatic mode.
_STATES: Mapping[SourceState, tuple[str, str]] = {
    "starting": ("Preoperational", "Initialized"),
    "ok": ("Operational", "ContinuousExecution"),
    "idle": ("Operational", "Ready"),
    "lost": ("Error", "Initialized"),
    "failing": ("Error", "Initialized"),
    "ended": ("Halted", "Initialized"),
    "stopped": ("Halted", "Initialized"),
}
_COMPLETED, _FAILED = 1, 4  # ResultState of OPC 40100-1
_NEVER = datetime(1970, 1, 1, tzinfo=timezone.utc)

# What each variable holds before the first verdict, and its type's name in asyncua.
_VARIABLES: Mapping[str, tuple[str, Any]] = {
    _HEARTBEAT: ("UInt32", 0),
    _STATE: ("String", "Preoperational"),
    _MODE: ("String", "Initialized"),
    f"{_RECIPE}.ExternalId": ("String", ""),
    f"{_RECIPE}.InternalId": ("String", ""),
    f"{_RESULT}.ResultId": ("String", ""),
    f"{_RESULT}.ResultState": ("Int32", 0),
    f"{_RESULT}.IsSimulated": ("Boolean", False),
    f"{_RESULT}.IsPartial": ("Boolean", False),
    f"{_RESULT}.CreationTime": ("DateTime", _NEVER),
    f"{_RESULT}.InternalRecipeId": ("String", ""),
    f"{_RESULT}.ResultContent": ("String", ""),
    f"{_RESULT}.Verdict": ("String", ""),
    f"{_RESULT}.Sequence": ("UInt32", 0),
    f"{_RESULT}.Score": ("Double", nan),
    f"{_RESULT}.Threshold": ("Double", nan),
    f"{_RESULT}.PValue": ("Double", nan),
    f"{_RESULT}.Reason": ("String", ""),
    f"{_RESULT}.Detail": ("String", ""),
    f"{_RESULT}.AgeMs": ("Double", nan),
    f"{_RESULT}.LatencyMs": ("Double", nan),
    f"{_RESULT}.Durable": ("Boolean", False),
}


class StationNodes:
    """`ns=2;s=STATION.ResultManagement.Result.Verdict`, and so on."""

    def __init__(self, nodes: Mapping[str, "Node"]) -> None:
        self._nodes = nodes
        self._beats = 0

    async def show(self, stored: Stored, state: SourceState) -> None:
        await self.tell(state)
        await self._write({f"{_RECIPE}.InternalId": stored.record.bundle} | _result_of(stored))

    async def tell(self, state: SourceState) -> None:
        system, mode = _STATES[state]
        await self._write({_STATE: system, _MODE: mode})

    async def name_recipe(self, name: str) -> None:
        await self._write({f"{_RECIPE}.ExternalId": name})

    async def beat(self) -> None:
        self._beats = (self._beats + 1) & 0xFFFFFFFF
        await self._write({_HEARTBEAT: self._beats})

    async def _write(self, values: Mapping[str, Any]) -> None:
        ua = _types()
        for path, value in values.items():
            variant = ua.Variant(value, getattr(ua.VariantType, _VARIABLES[path][0]))
            await self._nodes[path].write_value(ua.DataValue(variant, SourceTimestamp=_now()))


async def add_station(line: "Node", index: int, station: str) -> StationNodes:
    """Objects for what stands before the last dot of each path, and the variables in them."""
    ua = _types()
    folders = {"": await line.add_object(*named(station, station, index))}
    nodes = {}
    for path, (kind, value) in _VARIABLES.items():
        above, _, last = path.rpartition(".")
        for parent in _parents(path):
            if parent not in folders:
                over, _, name = parent.rpartition(".")
                names = named(f"{station}.{parent}", name, index)
                folders[parent] = await folders[over].add_object(*names)
        variant = ua.Variant(value, getattr(ua.VariantType, kind))
        names = named(f"{station}.{path}", last, index)
        nodes[path] = await folders[above].add_variable(*names, variant)
    return StationNodes(nodes)


def named(identifier: str, name: str, index: int) -> tuple[Any, Any]:
    """How a node is found, and what it is called."""
    ua = _types()
    return ua.NodeId(identifier, index), ua.QualifiedName(name, index)


def _parents(path: str) -> list[str]:
    parts = path.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


def _types() -> Any:
    """Of asyncua, whose annotations want its own kinds of text and numbers and take any."""
    from asyncua import ua

    return ua


def _result_of(stored: Stored) -> dict[str, Any]:
    record = stored.record
    judged = record.score is not None
    return {
        f"{_RESULT}.{name}": value
        for name, value in {
            "ResultId": record.id,
            "ResultState": _COMPLETED if judged else _FAILED,
            "CreationTime": _time_of(record.captured_at),
            "InternalRecipeId": record.bundle,
            "Verdict": record.verdict,
            "Score": _or_nan(record.score),
            "Threshold": _or_nan(record.threshold),
            "PValue": _or_nan(record.p_value),
            "Reason": record.reason or "",
            "Detail": record.detail or "",
            "AgeMs": record.age_ms,
            "LatencyMs": sum(ms or 0 for ms in record.latency_ms.values()),
            "Durable": stored.durable,
            # whole, for whoever reads one node: and the sequence last, for whoever watches it
            "ResultContent": json.dumps(asdict(record), allow_nan=False),
            "Sequence": record.sequence & 0xFFFFFFFF,
        }.items()
    }


def _or_nan(value: float | None) -> float:
    return nan if value is None else float(value)


def _time_of(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return _NEVER


def _now() -> datetime:
    return datetime.now(timezone.utc)
