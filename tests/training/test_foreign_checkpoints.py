"""Files in the place of a checkpoint that are none."""

import pytest
import torch

from slsg_edge.errors import ConfigError
from slsg_edge.training.checkpoint import RunFolder


@pytest.mark.parametrize("content", [{"a": 1}, {"identity": "x"}, {}, [1, 2], 3])
def test_a_file_of_another_program_is_called_no_checkpoint(tmp_path, content):
    torch.save(content, tmp_path / "training.pt")
    with pytest.raises(ConfigError, match=r"training\.pt is damaged") as caught:
        RunFolder(tmp_path, "x").restore("training", {})
    assert "start anew" in caught.value.fix


def test_a_folder_in_its_place_is_named(tmp_path):
    (tmp_path / "training.pt").mkdir()
    with pytest.raises(ConfigError, match="Is a directory"):
        RunFolder(tmp_path, "x").restore("training", {})
