"""Losses reach TensorBoard where it is installed, and are no trouble where it is not."""

import importlib.util
import warnings

import pytest

from slsg_edge.training import tensorboard


def test_without_tensorboard_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(tensorboard, "find_spec", lambda _: None)
    tensorboard.loss_logger(tmp_path)("training", 10, {"loss": 0.5})
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(
    importlib.util.find_spec("tensorboard") is None, reason="TensorBoard is not installed"
)
def test_losses_are_read_again_by_tensorboard(tmp_path):
    with warnings.catch_warnings():  # its own, about NumPy and protobuf
        warnings.simplefilter("ignore")
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        tensorboard.loss_logger(tmp_path)("training", 10, {"loss": 0.5})
        events = EventAccumulator(str(tmp_path)).Reload()
    (scalar,) = events.Scalars("training/loss")
    assert (scalar.step, scalar.value) == (10, 0.5)
