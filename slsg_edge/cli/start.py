"""`slsg-edge start`: from a folder of photos to a detector, a page and what to run on the line."""

import shlex
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from slsg_edge.cli.options import AsJson
from slsg_edge.cli.stopping import INTERRUPTED
from slsg_edge.cli.text import say, tell

if TYPE_CHECKING:
    from slsg_edge.cli.first_hour.record import Done
    from slsg_edge.cli.first_hour.steps import Wish
    from slsg_edge.data.survey.finding import Finding, Severity

FINDINGS = 3  # that are shown; `data` has them all


def start(
    data: Annotated[
        Path, typer.Argument(metavar="DIR", help="Photos of good parts, or a data set.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="BUNDLE", help="By default DIR's name, here."),
    ] = None,
    minutes: Annotated[
        float,
        typer.Option(min=1, help="That it may take; from 20 on the quick detectors are compared."),
    ] = 10,
    detector: Annotated[
        str | None, typer.Option(metavar="NAME", help="Take this one, whatever the time.")
    ] = None,
    backbone_weights: Annotated[
        str, typer.Option(metavar="WHERE", help="imagenet, none or a file.")
    ] = "imagenet",
    as_json: AsJson = False,
) -> None:
    """Do everything of the first hour: check the photos, train, export, calibrate, test.

    Each step is a command that is printed before it runs. Given once more, it does what is left.
    Exit code 1 where the photos are no use or the detector misses too much, 0 otherwise.
    """
    from slsg_edge.cli.first_hour.steps import Observer, Wish, first_hour

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the command under way hears it, too
    wish = Wish(data, output or _bundle_of(data), minutes, backbone_weights, detector)
    observer = Observer(lambda text: say(f"$ {text}"), _say_end)
    try:
        steps = first_hour(wish, observer, show=sys.stderr.isatty() and not as_json)
    except KeyboardInterrupt:
        words = ["slsg-edge", *sys.argv[1:]]
        say(f"Stopped; what is done is kept. Go on with: {shlex.join(words)}")
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        tell(_json(wish, steps))
    else:
        tell(_ending(wish, steps))
    if steps[-1].exit_code:
        raise typer.Exit(1)


def _bundle_of(data: Path) -> Path:
    from slsg_edge.bundle.plan import SUFFIX

    return Path(data.resolve().name or "photos").with_suffix(SUFFIX)


def _say_end(step: "Done", earlier: bool) -> None:
    when = "done before" if earlier else f"{step.seconds:.0f} s"
    say(f"  {when}: {_RESULTS[step.words[0]](step)}")


def _ending(wish: "Wish", steps: "Sequence[Done]") -> str:
    """Three lines: what was found, how far to trust it, and what to run on the line."""
    result = _result(steps[-1])
    if steps[-1].words[0] == "data":
        return _no_use(result)
    watch = ["slsg-edge", "watch", str(wish.bundle), "SOURCE", "--rejects", "rejects"]
    return (
        f"found: {result['sentence']} Pictures: {wish.page}\n"
        f"trust: {result['state']}: {result['reason']}. {_next(result)}\n"
        f"line:  {shlex.join(watch)}"
    )


def _next(result: dict[str, Any]) -> str:
    from slsg_edge.evaluation.next_step import Step

    return str(Step(**result["next"]))


def _no_use(survey: dict[str, Any]) -> str:
    """Why no result from these photos would be worth anything, and what to do."""
    errors = _findings(survey, "error")
    lines = [f"error: {one.text}\n  next: {one.fix}" for one in errors]
    return "\n".join([*lines, "Nothing was trained: no result from these photos would be true."])


def _findings(survey: dict[str, Any], severity: "Severity") -> "list[Finding]":
    from slsg_edge.data.survey.finding import Finding

    found = [Finding(**one) for one in survey["findings"]]
    return [one for one in found if one.severity == severity]


def _result(step: "Done") -> dict[str, Any]:
    return dict(step.result or {})


def _data(step: "Done") -> str:
    """How many images, and the findings that matter most."""
    survey = _result(step)
    serious = _findings(survey, "warning")
    lines = [f"{survey['images']} images, {survey['layout']}"]
    lines += [f"    warning: {one.text}. {one.fix}" for one in serious[:FINDINGS]]
    if len(serious) > FINDINGS:
        lines.append(f"    {len(serious) - FINDINGS} more: slsg-edge {shlex.join(step.words)}")
    return "\n".join(lines)


def _train(step: "Done") -> str:
    from slsg_edge.bundle.folder import open_bundle

    text = f"{step.words[step.words.index('--detector') + 1]} is trained"
    bundle = open_bundle(Path(step.words[step.words.index("-o") + 1]))
    if bundle.manifest.spec.get("backbone") != "efficientnet_lite0":
        return text
    return (
        f"{text}, on a backbone that came by pip\n"
        "    note: ResNet-18's weights could not be downloaded here, and are better. "
        "--backbone-weights FILE takes them."
    )


def _export(step: "Done") -> str:
    return f"the graph gives the trained network's scores, to {_result(step)['fp32']['score']:.0e}"


def _calibrate(step: "Done") -> str:
    result = _result(step)
    if "--int8" in step.words:
        return "the INT8 graph is made"
    return (
        f"threshold {result['threshold']:.4g} for 1 false alarm in "
        f"{1 / result['false_alarm_rate']:.0f}, from {result['images']} good images"
    )


def _verify(step: "Done") -> str:
    checks = _result(step)["checks"]
    passed = [check["subject"] for check in checks if check["state"] == "passed"]
    return f"these give the trained network's answers: {', '.join(passed)}"


def _eval(step: "Done") -> str:
    tested = len(_result(step)["images"])
    return f"{tested} images were tested"


_RESULTS: dict[str, Callable[["Done"], str]] = {
    "data": _data,
    "train": _train,
    "export": _export,
    "calibrate": _calibrate,
    "verify": _verify,
    "eval": _eval,
}


def _json(wish: "Wish", steps: "Sequence[Done]") -> str:
    import json
    from dataclasses import asdict

    from slsg_edge.cli.first_hour.steps import command_text

    return json.dumps(
        {
            "bundle": str(wish.bundle),
            "report": str(wish.page) if steps[-1].words[0] == "eval" else None,
            "log": str(wish.log),
            "steps": [{"command": command_text(step.words), **asdict(step)} for step in steps],
        }
    )
