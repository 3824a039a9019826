"""A process that draws batches and is killed from outside: a sentence, and no lost training."""

import os
import signal

import pytest
import torch
from torch.utils.data import Dataset

from slsg_edge.errors import WorkerLost
from slsg_edge.training.feed import Batch, batches, lost_workers_named

BATCHES = 4000  # more than are drawn ahead


class WhoDraws(Dataset[Batch]):
    def __getitem__(self, iteration):
        return torch.tensor(os.getpid()), torch.tensor(iteration)


@pytest.mark.slow
def test_a_stopped_service_ends_at_its_trainer_and_a_killed_worker_is_named():
    drawn = batches(WhoDraws(), 0, BATCHES, workers=1)
    worker = int(next(drawn)[0])
    assert worker != os.getpid()
    os.kill(worker, signal.SIGTERM)  # systemd tells every process of a service
    later = [int(next(drawn)[1]) for _ in range(100)]
    assert later == list(range(1, 101))
    due = r"killed by signal: Killed.* go on with --resume"
    with pytest.raises(WorkerLost, match=due), lost_workers_named():
        os.kill(worker, signal.SIGKILL)
        list(drawn)


def test_what_is_said_names_what_to_do():
    with pytest.raises(WorkerLost, match="--workers 0"), lost_workers_named():
        raise RuntimeError("DataLoader worker (pid 12) is killed by signal: Bus error. \nMore.")


def test_a_script_without_a_main_block_is_told_of_it():
    said = "DataLoader worker (pid(s) 14769) exited unexpectedly"
    with pytest.raises(WorkerLost, match=r"__main__.*workers=0"), lost_workers_named():
        raise RuntimeError(said)


def test_another_error_of_pytorch_stays_what_it_is():
    with pytest.raises(RuntimeError, match="mat1"), lost_workers_named():
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")
