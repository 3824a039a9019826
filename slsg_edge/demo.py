"""The whole line on a made-up product: draw, train, export, calibrate, check, watch, report.

Every step is the one that a user's own command takes; nothing here is only for the show.
"""

import dataclasses
import json
import shlex
import shutil
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from slsg_edge.bundle.commands import recorded_command
from slsg_edge.bundle.folder import Bundle
from slsg_edge.contracts import Outcome
from slsg_edge.errors import ConfigError
from slsg_edge.evaluation.evaluate import Evaluation, evaluate_bundle
from slsg_edge.line.records import Inspection, WatchSummary
from slsg_edge.line.sinks.json_lines import JsonLinesFile
from slsg_edge.line.sinks.rejects import RejectFolder
from slsg_edge.line.sources.source import open_source
from slsg_edge.line.watching import WatchOptions, watch
from slsg_edge.models.recipe import Notify
from slsg_edge.progress import progress
from slsg_edge.reports.from_evaluation import evaluation_report_page
from slsg_edge.runtime.detector import choose
from slsg_edge.runtime.judged import open_judged
from slsg_edge.sample.dataset import SampleCounts, write_dataset
from slsg_edge.sample.film import FilmedModule, FilmSettings, write_film
from slsg_edge.stages.export import export_bundle
from slsg_edge.stages.settings import settings_of_run
from slsg_edge.stages.threshold import calibrate
from slsg_edge.stages.train import train
from slsg_edge.storage import write_atomically
from slsg_edge.training.checkpoints import unfinished
from slsg_edge.training.settings import Resources

MARKER, RUN = "demo.json", "module.run"
SETTINGS = Path(__file__).parent / "sample" / "module.toml"
WANTED_AUROC = 0.95


@dataclass(frozen=True, slots=True)
class Passed:
    """What passed the camera: modules of one kind, their frames, and the verdicts on them."""

    name: str
    modules: int
    verdicts: Counter[Outcome]


@dataclass(frozen=True, slots=True)
class DemoResult:
    """`good_enough`: the image AUROC on the test images, rule violations included."""

    evaluation: Evaluation
    film: tuple[Passed, ...]
    summary: WatchSummary
    report: Path
    seconds: float

    @property
    def good_enough(self) -> bool:
        return (self.evaluation.image_auroc or 0.0) >= WANTED_AUROC


class _Collected:
    """A sink that keeps the verdict on each frame."""

    name, essential = "verdicts", True

    def __init__(self) -> None:
        self.outcomes: dict[int, Outcome] = {}

    def write(self, inspection: Inspection) -> None:
        self.outcomes[inspection.record.index] = inspection.record.verdict

    def close(self) -> None:
        pass


def run_demo(folder: Path, seed: int, notify: Notify) -> DemoResult:
    """Everything into `folder`, which must be new or an earlier demo's.

    What an earlier one with the same seed drew is used again, and what it trained before it was
    stopped too. Raises ConfigError for a folder with other things; `loop.Interrupted`.
    """
    started = time.monotonic()
    _claim(folder, seed)
    data, film = folder / "data", folder / "data" / "film.mp4"
    standings = _draw(data, film, seed, notify)
    notify("Training SLSG on the good images ...")
    settings = settings_of_run(None, [SETTINGS], {})
    bundle = train(
        data,
        folder / "module.slsg",
        dataclasses.replace(settings, seed=seed),
        Resources(backbone_weights="none"),
        command=f"slsg-edge demo {shlex.quote(str(folder))} --seed {seed}",
        resume=unfinished(folder / RUN),
        notify=notify,
    )
    notify("Exporting the graph from pixels to score ...")
    exported = export_bundle(
        bundle, dynamic=False, images=None, command=recorded_command("export", {})
    )
    notify(f"ONNX Runtime against torch: {exported.difference}")
    bundle = _calibrate(exported.bundle)
    choice = choose(bundle)
    evaluation = evaluate_bundle(bundle, data, choice, for_report=True)
    notify("Watching the film ...")
    outcomes, summary = _watch(bundle, film, folder, notify)
    report = folder / "report.html"
    write_atomically(
        report, evaluation_report_page("The demo's module", bundle, evaluation, choice).encode()
    )
    passed = _passed(standings, outcomes)
    return DemoResult(evaluation, passed, summary, report, time.monotonic() - started)


def _claim(folder: Path, seed: int) -> None:
    """Takes away what an earlier demo left and this one cannot use."""
    marker = folder / MARKER
    if folder.exists() and any(folder.iterdir()) and not marker.exists():
        raise ConfigError(
            f"{folder} holds other things than a demo.", fix="Give a folder that is not there yet."
        )
    mark = json.dumps({"seed": seed})
    stale = ["rejects"]
    if not marker.exists() or marker.read_text() != mark:
        stale += ["data", RUN]
    elif not (folder / "data" / "film.json").exists():
        stale += ["data"]
    for name in stale:
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / "verdicts.jsonl").unlink(missing_ok=True)
    write_atomically(marker, mark.encode())


def _draw(data: Path, film: Path, seed: int, notify: Notify) -> tuple[FilmedModule, ...]:
    """The data set and the film, or those of an earlier demo."""
    record = film.with_suffix(".json")
    if record.exists():
        notify(f"Using the line that was drawn before: {data}")
        stored = json.loads(record.read_text())["standings"]
        return tuple(FilmedModule(**standing) for standing in stored)
    counts, settings = SampleCounts(), FilmSettings()
    with progress("drawing images", counts.total) as advance:
        write_dataset(data, counts, seed, advance)
    with progress("drawing the film", settings.total) as advance:
        return write_film(film, settings, seed, advance)


def _calibrate(bundle: Bundle) -> Bundle:
    """From the good images that training held out, as it left their scores."""
    return calibrate(bundle, None, command=recorded_command("calibrate", {})).bundle


def _watch(
    bundle: Bundle, film: Path, folder: Path, warn: Callable[[str], None]
) -> tuple[dict[int, Outcome], WatchSummary]:
    collected = _Collected()
    verdicts = folder / "verdicts.jsonl"
    with (
        open_source(str(film)) as source,
        open_judged(bundle) as judged,
        closing(JsonLinesFile(verdicts)) as records,
    ):
        options = WatchOptions(warn=warn)
        rejects = RejectFolder(folder / "rejects", bundle.manifest.preprocessing)
        summary = watch(source, judged, (records, rejects, collected), options)
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
