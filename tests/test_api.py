"""The names that Python users rely on, and the page that shows them, run as it stands."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

import slsg_edge

PAGE = Path(__file__).resolve().parent.parent / "docs" / "python.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_every_name_is_where_the_table_says():
    for name in slsg_edge.__all__:
        assert getattr(slsg_edge, name) is not None
    assert set(slsg_edge.__all__) <= set(dir(slsg_edge))


def test_the_page_lists_exactly_these_names():
    listed = PAGE.read_text(encoding="utf-8").partition("## Names that stay")[2]
    assert set(re.findall(r"`(\w+)`", listed)) == set(slsg_edge.__all__) - {"__version__"}


def test_type_checkers_see_the_same_names():
    tree = ast.parse(Path(slsg_edge.__file__).read_text(encoding="utf-8"))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    names = {alias.asname for node in guarded.body for alias in node.names}
    assert names == set(slsg_edge.__all__) - {"__version__"}


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        slsg_edge.nonsense  # noqa: B018


def test_the_names_of_the_line_need_no_torch(toy_bundle):
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['torch', 'onnx', 'safetensors'], None))\n"
        "import slsg_edge as se\n"
        f"bundle = se.open_bundle({str(toy_bundle)!r})\n"
        "import numpy as np\n"
        "with se.open_judged(bundle, 'onnxruntime') as station:\n"
        "    print(station.inspect(np.full((40, 40, 3), 10, np.uint8)).outcome)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "good\n"


@pytest.fixture
def place(tmp_path, toy_bundle, monkeypatch):
    """Where the page's paths are: a bundle, frames, and a data set to train on."""
    shutil.copytree(toy_bundle, tmp_path / "juice.slsg")
    rng = np.random.default_rng(0)
    folders = {"frames": 3, "bottles/train/good": 24, "bottles/validation/good": 12,
               "bottles/test/good": 4, "bottles/test/hole": 4}  # fmt: skip
    for folder, count in folders.items():
        (tmp_path / folder).mkdir(parents=True)
        for index in range(count):
            image = rng.integers(90, 110, (128, 128, 3), np.uint8)
            if folder.endswith("hole"):
                image[40:80, 40:80] = 250
            cv2.imwrite(str(tmp_path / folder / f"{index:02}.png"), image)
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
def test_the_page_runs_as_it_stands(place, capsys):
    names = {"image": np.full((40, 40, 3), 10, np.uint8)}
    for block in BLOCKS:
        exec(compile(block, str(PAGE), "exec"), names)
    said = capsys.readouterr().out
    assert "good" in said
    assert "There is no nowhere.slsg" in said
    assert names["verification"].passed
    assert names["evaluation"].image_auroc > 0.9
    assert names["counter"].rejected == 0
    assert names["bundle"].manifest.detector == "npad"


def test_what_is_recorded_of_a_training_can_be_typed(monkeypatch):
    recorded = []

    def keep(*_, command, **__):
        recorded.append(command)

    monkeypatch.setattr("slsg_edge.stages.train.train", keep)
    slsg_edge.train("good photos (1)", "it's.slsg", detector="npad", backbone_weights="none")
    assert recorded == ["slsg-edge train 'good photos (1)' -o {bundle} --detector npad"]
