from pathlib import Path

import pytest

from slsg_edge.bundle.commands import command_for, recorded_command, recorded_words


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


@pytest.mark.parametrize(
    ("recorded", "shown"),
    [
        ("slsg-edge export {bundle}; rm -rf ~", "slsg-edge export x.slsg';' rm -rf '~'"),
        ("slsg-edge export {bundle} $(reboot)", "slsg-edge export x.slsg '$(reboot)'"),
        ("slsg-edge train 'a b' -o {bundle}", "slsg-edge train 'a b' -o x.slsg"),
        ("slsg-edge train \x1b[2Ja -o {bundle}", "slsg-edge train '?[2Ja' -o x.slsg"),
        ("rm -rf ~", "slsg-edge --help  # the bundle records a command that is not of slsg-edge"),
        ("slsg-edge export {bundle} && rm x", None),
        ("slsg-edge train 'a", None),
    ],
)
def test_a_record_from_elsewhere_offers_no_other_program(recorded, shown):
    offered = command_for(recorded, Path("x.slsg"))
    assert offered == shown if shown else offered.startswith("slsg-edge --help")
