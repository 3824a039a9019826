"""`slsg-edge build-engine`, called as the command line does."""

import json

import pytest
import typer
from typer.testing import CliRunner

from slsg_edge.cli.build_engine import build_engine
from slsg_edge.errors import ConfigError, EngineError


def run(*words):
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(build_engine)
    done = CliRunner().invoke(app, [str(word) for word in words])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def test_people_see_where_the_engine_is_and_what_was_proved(toy_bundle, rtx):
    shown = run(toy_bundle, "--precision", "fp32", "--target", "rtx").stdout
    assert f"{toy_bundle / 'engines/rtx-fp32.engine'}: " in shown
    assert f"tensorrt_rtx {rtx.version}" in shown
    assert "proved in the network" in shown


def test_machines_get_one_object(toy_bundle, rtx):
    words = ("--precision", "fp32", "--target", "sm89,sm86", "--dynamic-batch", "2", "--json")
    found = json.loads(run(toy_bundle, *words).stdout)
    assert found["engine"].endswith("engines/sm86-sm89-fp32.engine")
    assert found["options"]["targets"] == ["sm86", "sm89"]
    assert found["options"]["batches"] == [2, 2, 2]
    assert found["version"] == rtx.version


def test_the_command_that_rebuilds_is_recorded(toy_bundle, rtx):
    run(toy_bundle, "--precision", "fp32", "--target", "rtx", "--dynamic-batch", "1,2,4")
    stages = json.loads((toy_bundle / "manifest.json").read_text())["stages"]
    assert stages["build-engine:rtx-fp32"]["command"] == (
        "slsg-edge build-engine {bundle} --target rtx --precision fp32 --workspace-mb 1024 "
        "--dynamic-batch 1,2,4"
    )


@pytest.mark.parametrize("text", ["4,2,8", "0,1,2", "1,2", "1,2,3,4", "a,b,c", "", "1,,2", "1.5"])
def test_batches_that_make_no_sense(toy_bundle, text):
    with pytest.raises(ConfigError, match="1,4,8"):
        run(toy_bundle, "--target", "rtx", "--dynamic-batch", text)


def test_a_target_that_nobody_knows(toy_bundle):
    with pytest.raises(ConfigError, match="'orin' is no target"):
        run(toy_bundle, "--target", "orin")


def test_a_capability_that_rtx_lacks_lists_the_known(toy_bundle, rtx):
    with pytest.raises(EngineError, match=r"does not build for sm87.*sm86"):
        run(toy_bundle, "--precision", "fp32", "--target", "sm87")


@pytest.mark.parametrize("words", [("--precision", "fp32"), ("--target", "rtx")])
def test_a_dla_computes_neither_in_fp32_nor_elsewhere(toy_bundle, words):
    with pytest.raises(ConfigError, match="A DLA computes"):
        run(toy_bundle, "--dla", "0", *words)


def test_a_precision_that_does_not_exist(toy_bundle):
    assert run(toy_bundle, "--precision", "int4").exit_code == 2


def test_a_workspace_too_small_to_be_meant(toy_bundle):
    assert run(toy_bundle, "--workspace-mb", "1").exit_code == 2
