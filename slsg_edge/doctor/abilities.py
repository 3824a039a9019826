"""What this machine can do, from what was found on it: a sentence for each use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from slsg_edge.doctor.check import MachineCheck


@dataclass(frozen=True, slots=True)
class Ability:
    """A use of this machine.

    what: as in `watch on the CPU`
    can: whether it can
    found: what it does that with, or what is missing
    how: how to get what is missing, each once
    """

    what: str
    can: bool
    found: str
    how: tuple[str, ...] = ()


# What each use needs: of every group one. The names are those of the checks.
NEEDS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "watch a folder or a camera on the CPU": (("onnxruntime", "openvino"), ("OpenCV",)),
    "watch films and streams": (("onnxruntime", "openvino"), ("OpenCV",), ("PyAV",)),
    "read a camera that is plugged into it": (("OpenCV",), ("cameras",)),
    "train and export": (("torch",), ("onnx",), ("onnxruntime",), ("OpenCV",)),
    "run TensorRT engines on its GPU": (
        ("CUDA driver",),
        ("tensorrt", "tensorrt_rtx"),
        ("pycuda",),
    ),
}


def abilities_of(checks: Sequence[MachineCheck]) -> tuple[Ability, ...]:
    """In the order of NEEDS."""
    by_name = {check.name: check for check in checks}
    return tuple(_ability(what, needs, by_name) for what, needs in NEEDS.items())


def others_of(checks: Sequence[MachineCheck]) -> list[MachineCheck]:
    """Warnings on what no use needs, as a damaged JPEG that passes as whole."""
    needed = {name for needs in NEEDS.values() for group in needs for name in group}
    return [check for check in checks if check.state == "warning" and check.name not in needed]


def _ability(
    what: str, needs: Sequence[Sequence[str]], checks: Mapping[str, MachineCheck]
) -> Ability:
    groups = [[checks[name] for name in group if name in checks] for group in needs]
    lacking = [group for group in groups if not any(check.state == "ok" for check in group)]
    if lacking:
        first = [group[0] for group in lacking if group]
        found = "; ".join(f"{check.name}: {check.found.rstrip('.')}" for check in first)
        return Ability(what, False, found, tuple(dict.fromkeys(check.how for check in first)))
    used = [check for group in groups for check in group if check.state == "ok"]
    return Ability(what, True, ", ".join(_named(check) for check in used))


def _named(check: MachineCheck) -> str:
    """Its name and version; what else was found of it is in the table of all checks."""
    found = check.found.partition(",")[0]
    return found if found.startswith(check.name.lower()) else f"{check.name} {found}"
