"""slsg-edge: from a folder of good images to a trusted anomaly detector on a line PC.

The names below are public and stay in every 0.x version; `docs/python.md` shows their use. Each
is looked up when it is first asked for, so that importing this package loads nothing.
"""

import importlib
import os
from typing import TYPE_CHECKING

__version__ = "0.2.0"

# Importing ONNX Runtime 1.29 or later leaves an id and a database in the home folder and sends
# what it is used for to its makers. With this it does neither; whoever wants it sets it to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

if TYPE_CHECKING:
    from slsg_edge.api import calibrate as calibrate
    from slsg_edge.api import evaluate as evaluate
    from slsg_edge.api import export_bundle as export_bundle
    from slsg_edge.api import train as train
    from slsg_edge.api import verify as verify
    from slsg_edge.bundle.folder import Bundle as Bundle
    from slsg_edge.bundle.folder import open_bundle as open_bundle
    from slsg_edge.contracts import Detector as Detector
    from slsg_edge.contracts import Frame as Frame
    from slsg_edge.contracts import Verdict as Verdict
    from slsg_edge.errors import SlsgError as SlsgError
    from slsg_edge.line.sinks.sink import Sink as Sink
    from slsg_edge.line.sources.source import FrameSource as FrameSource
    from slsg_edge.line.sources.source import open_source as open_source
    from slsg_edge.line.watching import watch as watch
    from slsg_edge.runtime.fake_detector import FakeDetector as FakeDetector
    from slsg_edge.runtime.judged import Judged as Judged
    from slsg_edge.runtime.judged import open_judged as open_judged
    from slsg_edge.runtime.sharing import open_shared as open_shared
    from slsg_edge.scoring import Threshold as Threshold

_HOMES = {
    "Bundle": "bundle.folder",
    "Detector": "contracts",
    "FakeDetector": "runtime.fake_detector",
    "Frame": "contracts",
    "FrameSource": "line.sources.source",
    "Judged": "runtime.judged",
    "Sink": "line.sinks.sink",
    "SlsgError": "errors",
    "Threshold": "scoring",
    "Verdict": "contracts",
    "calibrate": "api",
    "evaluate": "api",
    "export_bundle": "api",
    "open_bundle": "bundle.folder",
    "open_judged": "runtime.judged",
    "open_shared": "runtime.sharing",
    "open_source": "line.sources.source",
    "train": "api",
    "verify": "api",
    "watch": "line.watching",
}
__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'slsg_edge' has no attribute '{name}'")
    return getattr(importlib.import_module(f"slsg_edge.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
