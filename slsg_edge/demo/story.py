"""The whole line on a made-up product: draw, train, export, calibrate, check, watch, report.

Every step is the one that a user's own command takes; nothing here is only for the show.

Two detectors, one after the other. N-pad judges: it follows no gradient, so it comes to the same on
a fast and a slow machine. SLSG is the second opinion, trained for as long as there is time. Nothing
chooses between them: simulated anomalies are what SLSG learns from, so they would be no fair judge,
and the labelled test images must not be one.
"""

import dataclasses
import math
import shlex
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from slsg_edge.bundle.commands import recorded_command
from slsg_edge.bundle.folder import Bundle
from slsg_edge.config import require
from slsg_edge.contracts import Outcome
from slsg_edge.demo import sample
from slsg_edge.demo.folder import JUDGE, SECOND, claim, draw, forget, mark, marked, standings_of
from slsg_edge.demo.sample.film import FilmedModule
from slsg_edge.evaluation.evaluate import Evaluation, evaluate_bundle
from slsg_edge.line.records import Inspection, WatchSummary
from slsg_edge.line.sinks.json_lines import JsonLinesFile
from slsg_edge.line.sinks.rejects import RejectFolder
from slsg_edge.line.sinks.sink import Sink
from slsg_edge.line.sources.source import open_source
from slsg_edge.line.watching import WatchOptions, watch
from slsg_edge.models.recipe import Notify
from slsg_edge.models.slsg.budget import seconds_an_image, seconds_of, shortened
from slsg_edge.models.slsg.settings import SlsgSettings
from slsg_edge.reports.from_evaluation import evaluation_report_page
from slsg_edge.runtime.detector import choose
from slsg_edge.runtime.judged import open_judged
from slsg_edge.stages.export import export_bundle
from slsg_edge.stages.settings import settings_of_run
from slsg_edge.stages.threshold import Choice, calibrate, has_threshold
from slsg_edge.stages.train import train
from slsg_edge.storage import write_atomically
from slsg_edge.training.checkpoints import unfinished
from slsg_edge.training.device import device_from_name
from slsg_edge.training.expected import duration
from slsg_edge.training.settings import Resources, TrainSettings

_TABLES = Path(sample.__file__).parent
SETTINGS, JUDGE_SETTINGS = _TABLES / "module.toml", _TABLES / "module-npad.toml"
RESOURCES = Resources(backbone_weights="none")
RATE = 0.01  # of false alarms; so few images show it by their highest score
WANTED_AUROC = 0.98
# What everything up to N-pad's page takes, in images that SLSG learns from in that time.
FIRST_PART = 700


@dataclass(frozen=True, slots=True)
class Passed:
    """What passed the camera: modules of one kind, their frames, and the verdicts on them."""

    name: str
    modules: int
    verdicts: Counter[Outcome]


@dataclass(frozen=True, slots=True)
class DemoResult:
    """seconds: until the page was written; tested: those of them from the export on.

    `good_enough`: the image AUROC on the test images, rule violations included.
    """

    evaluation: Evaluation
    film: tuple[Passed, ...]
    summary: WatchSummary
    report: Path
    seconds: float
    tested: float = 0.0

    @property
    def good_enough(self) -> bool:
        return (self.evaluation.image_auroc or 0.0) >= WANTED_AUROC


@dataclass(frozen=True, slots=True)
class SecondOpinion:
    """What SLSG says of the same film and test images, after so many iterations of training."""

    evaluation: Evaluation
    film: tuple[Passed, ...]
    iterations: int
    seconds: float


class _Collected:
    """A sink that keeps the verdict on each frame."""

    name, essential = "verdicts", True

    def __init__(self) -> None:
        self.outcomes: dict[int, Outcome] = {}

    def write(self, inspection: Inspection) -> None:
        self.outcomes[inspection.record.index] = inspection.record.verdict

    def close(self) -> None:
        pass


def run_demo(folder: Path, seed: int, notify: Notify, minutes: float) -> DemoResult:
    """Everything up to N-pad's page into `folder`, which must be new or an earlier demo's.

    What an earlier one with the same seed drew and trained is used again, and what it began before
    it was stopped too. Raises ConfigError for a folder with other things; `loop.Interrupted`.
    """
    require_minutes(minutes)
    started = time.monotonic()
    claim(folder, seed)
    _tell_pace(_second_settings(seed), minutes, notify)
    data, film = folder / "data", folder / "data" / "film.mp4"
    standings = draw(data, film, seed, notify)
    notify(
        "Training N-pad on the good images. Nothing is downloaded: its filters are drawn by "
        "chance, which is enough for a product that always lies alike."
    )
    settings = dataclasses.replace(settings_of_run(None, [JUDGE_SETTINGS], {}), seed=seed)
    trained, tested = _made(folder / JUDGE, data, settings, notify)
    choice = choose(trained)
    evaluation = evaluate_bundle(trained, data, choice, for_report=True)
    notify("Watching the film ...")
    outcomes, summary = _watch(trained, film, notify, folder)
    report = folder / "report.html"
    page = evaluation_report_page("The demo's module", trained, evaluation, choice)
    write_atomically(report, page.encode())
    ended = time.monotonic()
    passed = _passed(standings, outcomes)
    return DemoResult(evaluation, passed, summary, report, ended - started, ended - tested)


def second_opinion(
    folder: Path, seed: int, notify: Notify, minutes: float, first: DemoResult
) -> SecondOpinion | None:
    """SLSG on what `run_demo` drew, in the time that is left of `minutes`; None where it is none.

    A training that was stopped goes on as it was cut out when it began. `loop.Interrupted`.
    """
    started = time.monotonic()
    settings = _cut(folder, _second_settings(seed), minutes, first, notify)
    if settings is None:
        return None
    data, film = folder / "data", folder / "data" / "film.mp4"
    trained, _ = _made(folder / SECOND, data, settings, notify)
    evaluation = evaluate_bundle(trained, data, choose(trained))
    outcomes, _ = _watch(trained, film, notify)
    passed = _passed(standings_of(film), outcomes)
    seconds = time.monotonic() - started
    return SecondOpinion(evaluation, passed, settings.training.iterations, seconds)


def require_minutes(minutes: float) -> None:
    """ConfigError for a time that is none."""
    require(
        math.isfinite(minutes) and minutes > 0,
        f"{minutes:g} minutes are no time for a demo.",
        "Give --minutes more than 0; 1 leaves out the second detector.",
    )


def _made(path: Path, data: Path, settings: TrainSettings, notify: Notify) -> tuple[Bundle, float]:
    """Trained, exported, with a threshold; does not again what is done. And when it was trained."""
    bundle = train(
        data,
        path,
        settings,
        RESOURCES,
        command=shlex.join(["slsg-edge", "demo", str(path.parent), "--seed", str(settings.seed)]),
        resume=path.exists() or unfinished(path.with_suffix(".run")),
        notify=notify,
    )
    trained = time.monotonic()
    if has_threshold(bundle):
        return bundle, trained
    notify("Exporting the graph from pixels to score ...")
    command = recorded_command("export", {})
    exported = export_bundle(bundle, dynamic=False, images=None, command=command)
    notify(f"ONNX Runtime against torch: {exported.difference}")
    # from the good images' scores that training left
    command = recorded_command("calibrate", {"--false-alarms": RATE})
    return calibrate(exported.bundle, None, Choice(RATE), command=command).bundle, trained


def _second_settings(seed: int) -> SlsgSettings:
    settings = dataclasses.replace(settings_of_run(None, [SETTINGS], {}), seed=seed)
    assert isinstance(settings, SlsgSettings)  # as SETTINGS names no other
    return settings


def _pace(settings: SlsgSettings) -> float:
    """Seconds for an image that SLSG learns from."""
    return seconds_an_image(settings, device_from_name(RESOURCES.device, None))


def _tell_pace(settings: SlsgSettings, minutes: float, notify: Notify) -> None:
    first = FIRST_PART * _pace(settings)
    notify(f"On this machine N-pad's verdicts and the page take about {duration(first)}.")
    if first > 60 * minutes:
        notify(f"That is more than the {minutes:g} minutes; N-pad is not cut short.")


def _cut(
    folder: Path, whole: SlsgSettings, minutes: float, first: DemoResult, notify: Notify
) -> SlsgSettings | None:
    """`whole`, or the share of it that the time is left for; once found, it stays."""
    known = marked(folder)
    share, pace = known.get("share"), _pace(whole)
    if known.get("minutes") != minutes or not isinstance(share, float):
        forget(folder, SECOND)
        # what is trained is tested as the first was
        left = 60 * minutes - first.seconds - first.tested
        share = max(0.0, min(1.0, left / seconds_of(whole, pace)))
    settings = shortened(whole, share)
    if settings is None:
        whole_time = first.seconds + first.tested + seconds_of(whole, pace)
        needed = f"--minutes {math.ceil(whole_time / 60)}"
        notify(f"No time is left for SLSG, the second detector: give {needed} to see it too.")
        return None
    mark(folder, {**known, "minutes": minutes, "share": share})
    of_all = f"{settings.training.iterations} of {whole.training.iterations} iterations"
    expected = duration(seconds_of(settings, pace))
    notify(f"Training SLSG for a second opinion: {of_all}, about {expected} ...")
    return settings


def _watch(
    bundle: Bundle, film: Path, warn: Callable[[str], None], folder: Path | None = None
) -> tuple[dict[int, Outcome], WatchSummary]:
    """folder: takes the verdicts and the pictures of rejects."""
    collected = _Collected()
    sinks: list[Sink] = [collected]
    with ExitStack() as opened:
        source = opened.enter_context(open_source(str(film)))
        judged = opened.enter_context(open_judged(bundle))
        if folder is not None:
            records = opened.enter_context(closing(JsonLinesFile(folder / "verdicts.jsonl")))
            rejects = RejectFolder(folder / "rejects", bundle.manifest.preprocessing)
            sinks = [records, rejects, collected]
        summary = watch(source, judged, sinks, WatchOptions(warn=warn))
    return collected.outcomes, summary


def _passed(
    standings: tuple[FilmedModule, ...], outcomes: dict[int, Outcome]
) -> tuple[Passed, ...]:
    """One row for good modules and one for each defect, in the order they came."""
    rows: dict[str, Passed] = {}
    for standing in standings:
        name = standing.defect or standing.kind
        row = rows.get(name, Passed(name, 0, Counter()))
        seen = Counter(
            outcomes.get(index, "undecided") for index in range(standing.first, standing.last + 1)
        )
        rows[name] = Passed(name, row.modules + 1, row.verdicts + seen)
    return tuple(rows.values())
