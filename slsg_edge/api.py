"""The door for Python users: what the commands do, as functions. `docs/python.md` shows them.

Each function calls one of the rooms below and does nothing of its own. Paths may be text. What
takes long says how far it is on stderr.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slsg_edge.bundle.commands import BUNDLE, recorded_command, recorded_words
from slsg_edge.bundle.folder import Bundle

if TYPE_CHECKING:
    from slsg_edge.evaluation.evaluate import Evaluation
    from slsg_edge.evaluation.verify import Verification
    from slsg_edge.stages.export import Exported
    from slsg_edge.stages.threshold import Calibrated


def train(
    data: str | Path,
    output: str | Path,
    *,
    detector: str | None = None,
    config: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    textures: str | Path | None = None,
    backbone_weights: str = "imagenet",
    device: str = "auto",
    workers: int | None = None,
    resume: bool = False,
    notify: Callable[[str], None] = print,
) -> Bundle:
    """Trains a detector on good images and writes it into the bundle `output`.

    detector: `slsg`, `fractalad`, `npad` or `clflow`; None takes what `config` says, else SLSG,
    in the variant that the device can bear.
    config, settings: a TOML file, and a table of tables as in TOML, which wins over it.
    textures: a folder of texture photos; None makes procedural ones.
    backbone_weights: `imagenet`, `none` or a file.
    device: `auto`, `cpu`, `cuda`, `cuda:1` or `mps`.
    workers: processes that simulate anomalies, at most one for each core.
    resume: goes on with a run that was stopped.
    notify: takes what the training has to say.

    Raises ConfigError, DatasetError, MissingDependency or StorageError; `Interrupted` after
    Ctrl-C, with a checkpoint in the run folder.
    """
    from slsg_edge.stages.settings import settings_here
    from slsg_edge.stages.train import train as run
    from slsg_edge.training.settings import Resources

    files = [] if config is None else [Path(config)]
    photos = None if textures is None else Path(textures)
    resources = Resources(backbone_weights, photos, device, workers)
    return run(
        Path(data),
        Path(output),
        settings_here(detector, files, settings or {}, resources, notify),
        resources,
        command=_train_command(data, detector),
        resume=resume,
        notify=notify,
    )


def _train_command(data: str | Path, detector: str | None) -> str:
    """The nearest that the command line has; the settings themselves stand in the record."""
    words = ["slsg-edge", "train", str(data), "-o", BUNDLE]
    words += ["--detector", detector] if detector else []
    return recorded_words(words, BUNDLE)


def export_bundle(
    bundle: Bundle,
    *,
    dynamic: bool = False,
    images: str | Path | None = None,
    keep_fp32: Sequence[str] = (),
) -> "Exported":
    """Writes the graph from pixels to score in FP32 and FP16, proved on golden frames.

    dynamic: whether it takes any number of frames at a time, not one.
    images: good images as golden frames; None takes those that training kept.
    keep_fp32: shell patterns of nodes that stay in FP32 in the FP16 graph.

    Raises ExportError when a graph and the trained network disagree.
    """
    from slsg_edge.stages.export import export_bundle as run

    options = {
        "--batch": "dynamic" if dynamic else "1",
        "--images": images,
        "--keep-fp32": list(keep_fp32),
    }
    return run(
        bundle,
        dynamic=dynamic,
        images=None if images is None else Path(images),
        command=recorded_command("export", options),
        keep_fp32=keep_fp32,
    )


def calibrate(
    bundle: Bundle,
    images: str | Path | None = None,
    *,
    false_alarm_rate: float | None = None,
    backend: str | None = None,
) -> "Calibrated":
    """Finds the threshold from good images, and stores it with the points it was chosen among.

    images: more good images, which join those of the training; None takes the training's alone.
    false_alarm_rate: the share of good parts that may be rejected, 0 to 1; None takes the
    strictest that the images can show and that finds nine in ten simulated anomalies, at most
    1 in 20.
    backend: whose scores it judges; None is the best in FP32, which gives the reference's.

    Raises ConfigError or DatasetError, before anything is scored, for what cannot be done.
    """
    from slsg_edge.stages.threshold import Choice
    from slsg_edge.stages.threshold import calibrate as run

    folder = None if images is None else Path(images)
    options = {"--images": folder, "--backend": backend, "--false-alarms": false_alarm_rate}
    command = recorded_command("calibrate", options)
    return run(bundle, folder, Choice(false_alarm_rate), backend, command=command)


def evaluate(bundle: Bundle, data: str | Path, *, backend: str | None = None) -> "Evaluation":
    """Measures a bundle on the labelled test images of a data set.

    Raises DatasetError without test images. Without a threshold there are figures, no verdicts.
    """
    from slsg_edge.evaluation.evaluate import evaluate_bundle
    from slsg_edge.runtime.detector import choose

    return evaluate_bundle(bundle, Path(data), choose(bundle, backend))


def verify(bundle: Bundle, backends: Sequence[str] = ()) -> "Verification":
    """Runs the golden frames through everything that is here, or through the named backends.

    Raises BundleError without golden frames, UntrustedBundle for a damaged file.
    """
    from slsg_edge.evaluation.verify import verify_bundle

    return verify_bundle(bundle, backends)
