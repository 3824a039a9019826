"""Deployments to try: toy bundles, and what stands for the process that tries one."""

import shutil
from pathlib import Path

from bundles import rewrite, with_threshold

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.line.deploy import deploying
from slsg_edge.line.deploy.apart import Answer, Facts
from slsg_edge.line.deploy.state import Probation, folder_of, read_state
from slsg_edge.runtime.judged import open_judged
from slsg_edge.scoring import Threshold


class Here:
    """As `Apart`, in this process: an `Apart` takes seconds to begin."""

    def __init__(self, bundle, station, patience=0.0) -> None:
        self._judged = open_judged(open_bundle(bundle), any_size=station.any_size)
        self.facts = Facts("toy", self._judged.threshold.value, self._judged.fingerprint)

    def judge(self, frame, patience) -> Answer:
        examined = self._judged.examine(frame)
        verdict = examined.verdict
        return Answer(
            verdict.outcome,
            verdict.score,
            verdict.threshold,
            verdict.reason,
            verdict.detail,
            1.0,
            None if examined.prediction is None else examined.prediction.anomaly_map,
        )

    def close(self) -> None:
        self._judged.close()


def variant(bundle: Path, name: str, threshold: float = 0.4) -> Path:
    """A copy with a threshold that must not be the bundle's own.

    One with the same threshold, calibrated within the same second, is the same bundle.
    """
    target = bundle.with_name(f"{name}.slsg")
    shutil.copytree(bundle, target)
    with_threshold(open_bundle(target), Threshold(threshold, "manual", good_scores=(0.1, 0.2)))
    return target


def spoiled(bundle: Path) -> Path:
    """It opens no more, though every file is the one that the manifest names."""
    rewrite(open_bundle(bundle), lambda table: table.update(threshold=None))
    return bundle


def deploy(line, bundle, station="a", frames=10, band=(0.0, 0.3), **changes):
    settings = next(each for each in line.station if each.name == station)
    wish = deploying.Wish(Probation(frames, *band), by="a test", **changes)
    return deploying.deploy(bundle, line, settings, wish)


def state_of(line, station="a"):
    return read_state(folder_of(line.folder, station))
