"""What this tool wrote itself, which must not come back as input.

Run folders, bundles and pictures of heat never are input. Frames that `watch` kept are, where a
person has sorted them: in a folder called good or bad, or where nothing else lies in the folder
that was given. Else they are the rejects or the recording of an earlier watch.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from slsg_edge.data.names import is_bad, is_good, plain
from slsg_edge.images import HEAT_SUFFIX

# of a watch of one camera: when it began, index, score; of a line: the id of the verdict
_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_KEPT = re.compile(rf"(\d{{8}}T\d{{6}}_\d{{8}}(_[^_]+)?(_\d+)?|{_ID})\.png")
_HEAT = re.compile(rf"(\d{{8}}T\d{{6}}_\d{{8}}_[^_]+|{_ID}){re.escape(HEAT_SUFFIX)}")
_RUN, _BUNDLE, _MANIFEST = ".run", ".slsg", "manifest.json"
_RUN_PICTURES = frozenset({"anomalies.png", "good.png", "losses.png"})
_FOR_FRAMES = ("reject", "record")

A_RUN = "in the run folder of a training"
A_BUNDLE = "in a bundle"
HEAT = "with heat drawn over them, written by `watch` beside its rejects"
KEPT = "kept by `watch`: sort them into good/ and bad/, or give their folder itself"
OWN_OUTPUT = frozenset({A_RUN, A_BUNDLE, HEAT, KEPT})


def folder_reason(folder: Path, pictures: Iterable[str]) -> str | None:
    """Why nothing in `folder`, which holds these pictures, is input; None where it may be."""
    names = set(pictures)
    if folder.suffix == _RUN and names and names <= _RUN_PICTURES:
        return A_RUN
    if folder.suffix == _BUNDLE or _is_bundle(folder):
        return A_BUNDLE
    return KEPT if _is_unsorted(folder, names) else None


def file_reasons(folder: Path, pictures: Iterable[str]) -> Mapping[str, str]:
    """Which of the pictures of `folder`, that is input itself, are none, and why."""
    names = set(pictures)
    heat = {name for name in names if _HEAT.fullmatch(name)}
    mixed = not _sorted_by_name(folder) and any(map(_foreign, names))
    frames = {f"{name.removesuffix(HEAT_SUFFIX)}.png" for name in heat} & names if mixed else set()
    return {**dict.fromkeys(frames, KEPT), **dict.fromkeys(heat, HEAT)}


def _is_bundle(folder: Path) -> bool:
    manifest = folder / _MANIFEST
    return manifest.is_file() and any(folder.glob("*.safetensors"))


def _is_unsorted(folder: Path, names: set[str]) -> bool:
    if _sorted_by_name(folder) or not names or any(map(_foreign, names)):
        return False
    called = any(word in plain(folder.name) for word in _FOR_FRAMES)
    return called or any(_HEAT.fullmatch(name) for name in names)


def _foreign(name: str) -> bool:
    return not (_KEPT.fullmatch(name) or _HEAT.fullmatch(name))


def _sorted_by_name(folder: Path) -> bool:
    name = folder.name
    return is_good(name) or (is_bad(name) and "reject" not in plain(name))
