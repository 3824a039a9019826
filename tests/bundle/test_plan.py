from pathlib import Path

import pytest

from slsg_edge.bundle.commands import command_for
from slsg_edge.bundle.plan import (
    PLAN,
    command_that_writes,
    engine_stage,
    engine_stem,
    require_planned,
    threshold_stage,
)

HERE = Path("new place/y.slsg")


def test_every_stage_names_its_command_with_the_bundle():
    assert all("{bundle}" in stage.command for stage in PLAN)
    assert len({stage.name for stage in PLAN}) == len(PLAN)


@pytest.mark.parametrize(
    ("file", "command"),
    [
        ("weights.safetensors", "slsg-edge train DATA -o"),
        ("model.fp16.onnx", "slsg-edge export"),
        ("model.int8.onnx", "slsg-edge calibrate 'new place/y.slsg' --int8 --images DIR"),
        ("engines/current-fp16.engine", "slsg-edge build-engine"),
    ],
)
def test_a_file_that_is_missing_has_a_command_that_writes_it(file, command):
    found = command_that_writes(file, HERE)
    assert found.startswith(command)
    assert "'new place/y.slsg'" in found


def test_a_file_of_nobody_has_none():
    assert command_that_writes("notes.txt", HERE) is None


def test_what_is_not_planned_is_a_mistake_of_the_programmer():
    require_planned(engine_stage("rtx", "int8"), [f"{engine_stem('rtx', 'int8')}.engine"])
    require_planned(threshold_stage("openvino-int8"), ())
    require_planned(threshold_stage(None), ())
    with pytest.raises(ValueError, match="no stage 'polish'"):
        require_planned("polish", ())
    with pytest.raises(ValueError, match="'export' is not planned to write weights"):
        require_planned("export", ["weights.safetensors"])


@pytest.mark.parametrize(
    ("recorded", "shown"),
    [
        ("slsg-edge export {bundle} --batch 1", "slsg-edge export 'new place/y.slsg' --batch 1"),
        # of version 0.1
        ("slsg-edge export /old/x.slsg --batch 1", "slsg-edge export 'new place/y.slsg' --batch 1"),
        ("slsg-edge train 'my data' -o x.slsg", "slsg-edge train 'my data' -o 'new place/y.slsg'"),
        (
            "slsg-edge calibrate x.slsg --images a && slsg-edge calibrate x.slsg --yes",
            "slsg-edge calibrate 'new place/y.slsg' --images a && "
            "slsg-edge calibrate 'new place/y.slsg' --yes",
        ),
        # nobody can tell which of the two it was
        ("slsg-edge train a.slsg -o b.slsg", "slsg-edge train a.slsg -o b.slsg"),
        ("slsg-edge demo --seed 0", "slsg-edge demo --seed 0"),
        ("no closing 'quotation x.slsg", "no closing 'quotation x.slsg"),
    ],
)
def test_a_recorded_command_names_the_bundle_where_it_lies_now(recorded, shown):
    assert command_for(recorded, HERE) == shown
