"""A process that draws batches and is killed from outside: a sentence, and no lost training."""

import multiprocessing
import subprocess
import sys

import pytest
import torch
from torch.utils.data import Dataset

from slsg_edge.errors import WorkerLost
from slsg_edge.training.checkpoint import RunFolder
from slsg_edge.training.expected import Forecast
from slsg_edge.training.feed import Batch, lost_workers_named
from slsg_edge.training.loop import Interrupted, Phase, run_phase

# A process of its own: PyTorch raises what it has to say of a worker in whatever line runs then.
TRAINER = """
import os, signal, torch
from torch.utils.data import Dataset
from slsg_edge.errors import WorkerLost
from slsg_edge.training.feed import batches, lost_workers_named

class WhoDraws(Dataset):
    def __getitem__(self, iteration):
        return torch.tensor(os.getpid()), torch.tensor(iteration)

if __name__ == "__main__":
    drawn = batches(WhoDraws(), 0, 4000, workers=1)
    try:
        with lost_workers_named():
            worker = int(next(drawn)[0])
            assert worker != os.getpid()
            os.kill(worker, signal.SIGTERM)  # systemd tells every process of a service
            assert [int(next(drawn)[1]) for _ in range(100)] == list(range(1, 101))
            print("went on", flush=True)
            os.kill(worker, signal.SIGKILL)
            list(drawn)
    except WorkerLost as error:
        print(error, flush=True)
    os._exit(0)
"""


@pytest.mark.slow
def test_a_stopped_service_ends_at_its_trainer_and_a_killed_worker_is_named(tmp_path):
    script = tmp_path / "trainer.py"
    script.write_text(TRAINER)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    went_on, _, said = done.stdout.partition("\n")
    assert went_on == "went on", done.stderr
    assert "A process that draws batches was lost" in said, done.stderr
    assert "go on with --resume" in said


class Zeros(Dataset[Batch]):
    """Batches without end."""

    def __getitem__(self, iteration: int) -> Batch:
        return torch.zeros(1), torch.zeros(1)


@pytest.mark.slow
def test_workers_end_with_their_phase_also_where_its_error_is_held(tmp_path):
    """Else a script that Ctrl-C stops would wait for them for ever."""

    def step(_: Batch) -> dict[str, torch.Tensor]:
        raise Interrupted("training", 1)

    phase = Phase("training", 100, 1, {}, Zeros(), step)
    with pytest.raises(Interrupted) as held:
        run_phase(
            phase,
            RunFolder(tmp_path, "this run"),
            lambda *_: None,
            workers=1,
            resume=False,
            forecast=Forecast(lambda _: None),
        )
    assert held.value.phase == "training"
    assert not multiprocessing.active_children()


def test_what_is_said_names_what_to_do():
    with pytest.raises(WorkerLost, match="--workers 0"), lost_workers_named():
        raise RuntimeError("DataLoader worker (pid 12) is killed by signal: Bus error. \nMore.")


@pytest.mark.parametrize("raised", [EOFError(), ConnectionResetError(104, "reset by peer")])
def test_a_batch_that_came_in_part_is_a_lost_worker_too(raised):
    with pytest.raises(WorkerLost, match="connection to it ended"), lost_workers_named():
        raise raised


def test_a_script_without_a_main_block_is_told_of_it():
    said = "DataLoader worker (pid(s) 14769) exited unexpectedly"
    with pytest.raises(WorkerLost, match="call train below `if __name__"), lost_workers_named():
        raise RuntimeError(said)


def test_another_error_of_pytorch_stays_what_it_is():
    with pytest.raises(RuntimeError, match="mat1"), lost_workers_named():
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")
