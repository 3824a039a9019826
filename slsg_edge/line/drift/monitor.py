"""Whether the good parts of a station still look and score as they did. It warns, and does no more.

Only parts that are judged good are evidence: others look otherwise because of what is wrong with
them. A run of rejects shows in the counters. Scores are compared with those of the calibration
that would be judged good, too. Of light, focus and position a bundle knows nothing that one could
count on: its golden frames are few, and some carry simulated anomalies. So the first good parts
after a calibration say how they were.
"""

import hashlib
import random
import time
from bisect import bisect_right
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from slsg_edge.bundle.folder import Bundle
from slsg_edge.bundle.region import fingerprint_of
from slsg_edge.line.drift.evidence import Evidence
from slsg_edge.line.drift.looks import NAMES, looks_of
from slsg_edge.line.drift.state import store_state, stored_state
from slsg_edge.line.records import Inspection
from slsg_edge.line.settings.line import DriftSettings
from slsg_edge.preprocessing import cut
from slsg_edge.scoring import LOGIT_LIMIT, Threshold, logit

LEARNED = 200  # good parts that say how light, focus and position were
_FEWEST = 20  # scores of a calibration; with fewer the first good parts say it
_STORED_EVERY = 10.0  # seconds
# Two of the five tests are one thing to people.
_WORDS: Mapping[str, str] = {"horizontal": "position", "vertical": "position"}
_TESTS = ("score", *NAMES)


class DriftMonitor:
    """Looks at the good parts of one station, in its thread.

    false_alarms of the settings is for the whole life of a calibration and for all quantities
    together: each of the five tests has a fifth of it (Bonferroni).
    """

    def __init__(
        self, station: str, bundle: Bundle, settings: DriftSettings, folder: Path | None
    ) -> None:
        """folder: of the line, where what was learned is kept; None keeps nothing."""
        self._settings = settings
        self._path = folder / "drift" / f"{station}.json" if folder else None
        self._bundle, self._roi = bundle, bundle.manifest.preprocessing.roi
        self._limit = len(_TESTS) / settings.false_alarms
        self._chance = random.Random()
        self._quantities: dict[str, Evidence] = {}
        self._last: tuple[str, float] | None = None
        self._stored_at = time.monotonic()
        if settings.enabled:
            reference = bundle.manifest.threshold
            self._begin(None if reference is None else reference.value)

    def observe(self, inspection: Inspection) -> tuple[str, ...]:
        """What no longer looks as it did, as `brightness`; never raises."""
        if not self._settings.enabled:
            return ()
        with suppress(Exception):  # whatever a picture is, its verdict goes out
            if self._is_evidence(inspection):
                self._see(inspection)
        return self._drifted()

    def describe(self) -> dict[str, float]:
        """How strong the evidence of each test is: 0 is none, and at 1 it warns."""
        return {
            name: evidence.strength(self._limit)
            for name, evidence in self._quantities.items()
            if not evidence.learning
        }

    def close(self) -> None:
        """Keeps what was learned since it was last stored."""
        self._store()

    def _is_evidence(self, inspection: Inspection) -> bool:
        """A good part, and not the picture before once more."""
        record, frame = inspection.record, inspection.frame
        if record.verdict != "good" or record.score is None or frame.image is None:
            return False
        now = (frame.origin, frame.captured_monotonic)
        before, self._last = self._last, now
        if before is None or before[0] != now[0]:
            return True
        if 0 <= now[1] - before[1] < self._settings.every_s:
            self._last = before
            return False
        return True

    def _see(self, inspection: Inspection) -> None:
        score, image = inspection.record.score, inspection.frame.image
        if score is None or image is None:
            return
        if inspection.record.threshold != self._threshold:
            self._begin(inspection.record.threshold)
        values = {"score": _place(score), **(looks_of(cut(image, self._roi)) or {})}
        for name, value in values.items():
            self._quantities[name].see(value, self._limit, self._chance)
        if time.monotonic() - self._stored_at >= _STORED_EVERY:
            self._store()

    def _drifted(self) -> tuple[str, ...]:
        names = (name for name, evidence in self._quantities.items() if evidence.drifted)
        return tuple(dict.fromkeys(_WORDS.get(name, name) for name in names))

    def _begin(self, value: float | None) -> None:
        """With the threshold that judges here: that of a quantised model has scores of its own."""
        self._threshold = value
        self._quantities = _beginning(_threshold_of(self._bundle, value))
        if self._path is None:
            return
        stored = stored_state(self._path, self._key)
        if stored is not None and stored.keys() == self._quantities.keys():
            self._quantities = stored

    @property
    def _key(self) -> str:
        """What was learned with another calibration, threshold or region says nothing here."""
        what = f"{fingerprint_of(self._bundle)} {self._threshold} {_TESTS}"
        return hashlib.sha256(what.encode()).hexdigest()[:16]

    def _store(self) -> None:
        self._stored_at = time.monotonic()
        if self._path is None or not self._quantities:
            return
        with suppress(OSError):  # a full disk is told of elsewhere
            store_state(self._path, self._key, self._quantities)


def _threshold_of(bundle: Bundle, value: float | None) -> Threshold | None:
    """By its value, the reference's before that of a backend."""
    known = (bundle.manifest.threshold, *bundle.manifest.thresholds.values())
    return next((one for one in known if one is not None and one.value == value), None)


def _beginning(threshold: Threshold | None) -> dict[str, Evidence]:
    """Before the first part: what the calibration tells."""
    quantities = {name: Evidence(learning=LEARNED) for name in _TESTS}
    scores = _good_scores(threshold)
    if len(scores) >= _FEWEST:
        quantities["score"] = Evidence()
        quantities["score"].learn(map(_place, scores))
    return quantities


def _good_scores(threshold: Threshold | None) -> tuple[float, ...]:
    """Those that are judged good: on the line no others are evidence, either."""
    if threshold is None:
        return ()
    most = threshold.value if threshold.undecided_above is None else threshold.undecided_above
    return threshold.good_scores[: bisect_right(threshold.good_scores, most)]


def _place(score: float) -> float:
    """A score between 0 and 1, evenly in logits."""
    span = logit(1 - LOGIT_LIMIT)
    return (logit(score) + span) / (2 * span)
