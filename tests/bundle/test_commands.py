from pathlib import Path

import pytest

from slsg_edge.bundle.commands import recorded_command, recorded_words


def test_options_stand_in_their_order_and_what_was_not_given_is_left_out():
    options = {
        "--images": Path("my images"),
        "--backend": None,
        "--yes": True,
        "--int8": False,
        "--keep-fp32": ["a*", "b"],
        "--false-alarms": 0.001,
    }
    assert recorded_command("calibrate", options) == (
        "slsg-edge calibrate {bundle} --images 'my images' --yes --keep-fp32 'a*' --keep-fp32 b "
        "--false-alarms 0.001"
    )


@pytest.mark.parametrize(
    ("words", "recorded"),
    [
        (["train", "x y", "-o", "a.slsg"], "train 'x y' -o {bundle}"),
        (["train", "x", "--output=a.slsg"], "train x --output={bundle}"),
        (["train", "a.slsg.old", "-o", "a.slsg"], "train a.slsg.old -o {bundle}"),
    ],
)
def test_a_command_as_typed_has_the_bundles_path_taken_out(words, recorded):
    assert recorded_words(words, "a.slsg") == recorded
