"""The phases of a training, one after the other, with their forecasts and curves."""

import dataclasses

from slsg_edge.models.recipe import Phases
from slsg_edge.stages.good_scores import NOTHING
from slsg_edge.training import charts
from slsg_edge.training.checkpoint import History, RunFolder
from slsg_edge.training.expected import Forecast
from slsg_edge.training.loop import run_phase
from slsg_edge.training.out_of_sample import OutOfSample
from slsg_edge.training.tensorboard import loss_logger


def run_phases(
    phases: Phases,
    run: RunFolder,
    workers: int,
    forecast: Forecast,
    *,
    resume: bool,
    chart: str = "losses.png",
) -> OutOfSample:
    """What the phases say of good images, out of sample; NOTHING of most detectors."""
    histories: dict[str, History] = {}
    record = loss_logger(run.path)
    scores = NOTHING
    for number, make in enumerate(phases, 1):
        phase = make()
        expected = dataclasses.replace(forecast, following=len(phases) - number)
        histories[phase.name] = run_phase(
            phase, run, record, workers=workers, resume=resume, forecast=expected
        )
        charts.write_loss_chart(run.path / chart, histories)
        scores = phase.scores() if phase.scores else scores
    return scores
