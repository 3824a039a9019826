"""`slsg-edge watch`: frames of a folder, a video or a camera in, verdicts out."""

import sys
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slsg_edge.cli.options import Backend, Threads
from slsg_edge.cli.stopping import ends_in_order
from slsg_edge.cli.text import say
from slsg_edge.cli.watch_line import is_line, watch_line

if TYPE_CHECKING:
    from slsg_edge.bundle.folder import Bundle
    from slsg_edge.errors import SlsgError
    from slsg_edge.line.records import Tally, WatchSummary
    from slsg_edge.line.sinks.recording import Recording
    from slsg_edge.line.sinks.sink import Sink
    from slsg_edge.line.sources.source import FrameSource
    from slsg_edge.scoring import Threshold


@ends_in_order
def watch(
    bundle: Annotated[
        Path,
        typer.Argument(
            metavar="BUNDLE", help="A calibrated bundle; or a line.toml, which says everything."
        ),
    ],
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="[SOURCE]",
            help="A folder of images, an image, a video, a camera (0 or /dev/video0) or a URL. "
            "${NAME} in it is a variable of the environment, @FILE a file with the address: "
            "so a password stands in no list of processes.",
        ),
    ] = None,
    roi: Annotated[
        str | None, typer.Option(metavar="X,Y,W,H", help="Look at this region only, in pixels.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Append verdicts here, not to stdout.")
    ] = None,
    rejects: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep pictures of what is not good.")
    ] = None,
    record: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Keep the first N frames, good or not, to review."),
    ] = None,
    record_to: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep them here, not in NAME-recorded beside NAME.slsg."),
    ] = None,
    max_frames: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Stop after so many verdicts.")
    ] = None,
    every: Annotated[int, typer.Option(metavar="N", min=1, help="Look at every N-th frame.")] = 1,
    any_size: Annotated[
        bool, typer.Option("--any-size", help="Scale frames of another size than the training's.")
    ] = False,
    every_ms: Annotated[
        int, typer.Option(metavar="MS", min=20, help="How often to ask a URL for one picture.")
    ] = 200,
    max_age_ms: Annotated[
        int, typer.Option(metavar="MS", min=50, help="Older frames of a camera are undecided.")
    ] = 1000,
    frozen_after: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            help="So many equal frames of a camera are undecided; 0 allows them.",
        ),
    ] = 5,
    backend: Backend = None,
    threads: Threads = None,
) -> None:
    """Inspect frames and write a verdict for each, as JSON Lines; or run a whole line."""
    if is_line(bundle):
        watch_line(bundle, source, roi, output, rejects, record, max_frames, backend, threads)
        return
    if source is None:
        raise _no_source(bundle)
    from slsg_edge.bundle.opening import trusted_bundle
    from slsg_edge.images import most_pixels
    from slsg_edge.line.records import Tally
    from slsg_edge.line.sinks.sink import Draining
    from slsg_edge.line.sources.capturing import LiveOptions
    from slsg_edge.line.sources.source import open_source
    from slsg_edge.line.watching import WatchOptions
    from slsg_edge.line.watching import watch as watch_frames
    from slsg_edge.runtime.judged import open_judged

    most_pixels()  # a wrong number in the environment is found before the first frame
    _require_readers(output)
    recording = _recording(bundle, record, record_to)
    _require_outside(source, rejects, recording)
    opened = _with_region(trusted_bundle(bundle), roi)
    tally = Tally()
    options = WatchOptions(every, max_frames, warn=say, tally=tally)
    with ExitStack() as stack:
        judged = stack.enter_context(open_judged(opened, backend, threads, any_size=any_size))
        say(str(judged.choice))
        _say_weakness(judged.threshold)
        live = LiveOptions(
            oldest=max_age_ms / 1000, frozen_after=frozen_after, every=every_ms / 1000
        )
        frames = stack.enter_context(
            open_source(source, live, depth=opened.manifest.preprocessing.depth)
        )
        for note in getattr(frames, "notes", ()):
            say(note)
        sinks = _sinks(stack, opened, output, rejects)
        if recording:
            sinks.append(recording)
        if _live_line_fits(output):
            sinks.append(_live_line(stack, frames, tally))
        summary = watch_frames(frames, judged, sinks, options)
    unwritten = sum(sink.unwritten for sink in sinks if isinstance(sink, Draining))
    band = judged.threshold.undecided_above is not None
    say(summary_line(summary, band=band, unwritten=unwritten))
    if recording and recording.recorded:
        say(_recorded_lines(recording, bundle, backend))
    if unwritten:
        raise _records_lost(unwritten, summary.frames, output)


def _no_source(bundle: Path) -> "SlsgError":
    from slsg_edge.errors import ConfigError

    return ConfigError(
        f"Nothing says which frames {bundle} is to inspect.",
        fix="Give a folder, an image, a video, a camera such as 0, or a URL; or one line.toml.",
    )


def _require_readers(output: Path | None) -> None:
    """ConfigError where nobody would get a verdict."""
    from slsg_edge.cli.streams import stdout_is_closed
    from slsg_edge.errors import ConfigError

    if output is None and stdout_is_closed():
        raise ConfigError(
            "Standard output is closed, so nobody would get the verdicts.",
            fix="Add --output FILE, or do not close it.",
        )


def _records_lost(count: int, frames: int, output: Path | None) -> "SlsgError":
    from slsg_edge.errors import StorageError

    where = output or "standard output"
    return StorageError(
        f"{count} of {frames} records could not be written to {where}.",
        fix="Free some space, or see who reads there; all verdicts were counted above.",
    )


def _require_outside(source: str, rejects: Path | None, recording: "Recording | None") -> None:
    """What a watch writes must not be what the next one inspects."""
    from slsg_edge.data.inputs import require_outside

    if rejects and source.strip():
        require_outside(Path(source), "--rejects", rejects)
    if recording and source.strip():
        require_outside(Path(source), "--record-to", recording.folder)


def _say_weakness(threshold: "Threshold") -> None:
    from slsg_edge.calibration.operating_points import weakness

    if weak := weakness(threshold):
        say(f"warning: {weak}")


def summary_line(summary: "WatchSummary", *, band: bool = False, unwritten: int = 0) -> str:
    """What was seen, for people; band: whether the threshold has an undecided one; unwritten:
    how many records are nowhere.
    """
    between = f" ({summary.between} of them between the two thresholds)" if band else ""
    text = (
        f"{summary.frames} frames: {summary.good} good, {summary.anomalous} anomalous, "
        f"{summary.undecided} undecided{between}; {summary.skipped} skipped, "
        f"{summary.dropped} dropped"
    )
    if summary.detect_p50 is not None:
        text += f"; detect p50 {summary.detect_p50:.1f} ms, p95 {summary.detect_p95:.1f} ms"
    if unwritten:
        text += f"; {unwritten} records could not be written"
    for name, count in summary.failed.items():
        text += f"; {name} of {count} frames could not be written"
    return text + (f"\nlast undecided: {summary.reason}" if summary.reason else "")


def _with_region(bundle: "Bundle", roi: str | None) -> "Bundle":
    """The bundle looking at the region that was asked for, and a note when that is another one."""
    from slsg_edge.bundle.region import with_region
    from slsg_edge.preprocessing import roi_from_text

    if roi is None:
        return bundle
    region = roi_from_text(roi)
    if region != bundle.manifest.preprocessing.roi:
        say("note: the threshold was found on another region of interest")
    return with_region(bundle, region)


def _sinks(
    stack: ExitStack, bundle: "Bundle", output: Path | None, rejects: Path | None
) -> "list[Sink]":
    from slsg_edge.line.sinks.json_lines import JsonLinesFile, JsonLinesOutput
    from slsg_edge.line.sinks.rejects import RejectFolder

    sinks: list[Sink] = [
        stack.enter_context(closing(JsonLinesFile(output, say) if output else JsonLinesOutput(say)))
    ]
    if rejects:
        sinks.append(RejectFolder(rejects, bundle.manifest.preprocessing))
    return sinks


def _recording(bundle: Path, frames: int | None, folder: Path | None) -> "Recording | None":
    """None where nothing is to be recorded."""
    from slsg_edge.errors import ConfigError
    from slsg_edge.line.sinks.recording import Recording

    if frames is None and folder is not None:
        raise ConfigError(
            "--record-to says where, and nothing is recorded.", fix="Add --record N, as in 200."
        )
    if frames is None:
        return None
    named = bundle if bundle.name.strip(".") else bundle.resolve()  # where it is given as `.`
    return Recording(folder or named.with_name(f"{named.stem}-recorded"), frames)


def _recorded_lines(recording: "Recording", bundle: Path, backend: str | None) -> str:
    """Where the frames are, and what a person does with them."""
    from slsg_edge.bundle.commands import command_for, recorded_command

    folder = recording.folder
    options = {"--add-reviewed": folder, "--backend": backend}
    command = command_for(recorded_command("calibrate", options), bundle)
    return (
        f"recorded: {recording.recorded} in {folder}\n"
        f"next: Move the good ones into {folder / 'good'} and the others into {folder / 'bad'}, "
        f"then run: {command}"
    )


def _live_line_fits(output: Path | None) -> bool:
    """On one terminal the JSON lines and the live line would write over each other."""
    return sys.stderr.isatty() and (output is not None or not sys.stdout.isatty())


def _live_line(stack: ExitStack, source: "FrameSource", tally: "Tally") -> "Sink":
    from slsg_edge.line.sinks.live_line import LiveLine

    return stack.enter_context(closing(LiveLine(source, tally)))
