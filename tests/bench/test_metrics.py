import json

import numpy as np
import typer
from typer.testing import CliRunner

from slsg_edge.bench import metrics as metric_bench
from slsg_edge.bench.metrics import metric_benchmark, scenes, stream
from slsg_edge.cli.bench_group import bench_group


def run(*arguments):
    app = typer.Typer()
    app.add_typer(bench_group, name="bench")
    app.command("other")(lambda: None)
    return CliRunner().invoke(app, ["bench", *arguments])


def small(monkeypatch):
    monkeypatch.setattr(metric_bench, "SIDES", (16, 32))
    monkeypatch.setattr(metric_bench, "STREAMED_SIDE", 64)
    monkeypatch.setattr(metric_bench, "DIRECT_MAPS", 4)


def test_the_fast_ways_and_the_slow_ones_agree(monkeypatch):
    small(monkeypatch)
    result = metric_benchmark(maps=6, side=32)
    direct, scikit_learn = result.comparisons
    assert direct.difference < 5e-3  # 200 thresholds stand for all
    assert scikit_learn.difference < 1e-12
    assert all(one.ours > 0 and one.other > 0 for one in result.comparisons)
    assert [one.side for one in result.growth] == [16, 32]
    assert result.streaming is None


def test_maps_stream_through_a_folder_of_choice(tmp_path):
    found = stream(4, 32, tmp_path)
    assert (found.maps, found.side) == (4, 32)
    assert found.seconds > 0
    assert list(tmp_path.iterdir()) == []  # nothing is left behind


def test_scenes_are_the_same_every_time():
    for (one, _), (other, _) in zip(scenes(3, 16), scenes(3, 16), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_command_prints_a_table_or_json(monkeypatch):
    small(monkeypatch)
    printed = run("metrics", "--maps", "4", "--side", "16", "--streamed", "2").output
    assert "scikit-learn" in printed
    assert "2 maps of 64x64 through disk" in printed
    summary = json.loads(run("metrics", "--maps", "4", "--side", "16", "--json").output)
    assert len(summary["comparisons"]) == 2


def test_without_a_part_s_name_bench_measures_a_bundle(tmp_path):
    for arguments in (["none.slsg"], ["bundle", "none.slsg"], ["--json", "none.slsg"]):
        error = run(*arguments).exception
        assert "none.slsg" in str(error)
    helped = run("--help")
    assert helped.exit_code == 0
    assert "bundle" in helped.output
    assert "metrics" in helped.output
