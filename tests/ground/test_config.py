from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from slsg_edge.config import read_toml, settings_from_table, value_from_text, without_none
from slsg_edge.errors import ConfigError


@dataclass(frozen=True)
class Inner:
    depth: int = 3


@dataclass(frozen=True)
class Settings:
    name: str
    rate: float = 0.1
    epochs: int | None = None
    kind: Literal["paper", "edge"] = "paper"
    size: tuple[int, int] = (256, 256)
    weights: tuple[float, ...] = ()
    inner: Inner = Inner()
    path: Path | None = None
    flip: bool = False


def settings(**table):
    return settings_from_table(Settings, {"name": "x", **table}, "juice.toml [train]")


def test_what_is_left_out_comes_from_the_defaults_or_the_given_base():
    assert settings(epochs=3) == Settings("x", epochs=3)
    base = Settings("y", rate=0.5)
    assert settings_from_table(Settings, {"epochs": 3}, "t", base) == Settings("y", 0.5, 3)


def test_values_take_the_types_of_the_dataclass():
    made = settings(rate=1, size=[8, 9], weights=[1, 0.5], inner={"depth": 5}, path="a/b")
    assert made.rate == 1.0
    assert isinstance(made.rate, float)
    assert made.size == (8, 9)
    assert made.weights == (1.0, 0.5)
    assert made.inner == Inner(5)
    assert made.path == Path("a/b")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"epoch": 3}, r"Unknown key in juice.toml \[train\]: 'epoch'.*Did you mean 'epochs'"),
        ({"inner": {"deep": 1}}, r"Unknown key in .*\.inner: 'deep'"),
        ({"kind": "papr"}, r"Unknown value of .*\.kind: 'papr'.*Did you mean 'paper'"),
        ({"epochs": "3"}, r"\.epochs is '3', a str.*Give a int"),
        ({"epochs": True}, r"\.epochs is True, a bool"),
        ({"flip": 1}, r"\.flip is 1, a int.*Give a bool"),
        ({"rate": "fast"}, r"\.rate is 'fast'"),
        ({"size": [1, 2, 3]}, r"\.size has 3 values.*exactly 2"),
        ({"size": [1, "2"]}, r"\.size\[1\] is '2'"),
        ({"size": 3}, r"\.size is 3"),
        ({"inner": 3}, r"\.inner is 3, a int.*Give a table"),
    ],
)
def test_a_wrong_key_or_type_is_an_error_that_says_where(table, message):
    with pytest.raises(ConfigError, match=message):
        settings(**table)


def test_a_missing_key_is_an_error():
    with pytest.raises(ConfigError, match=r"t: .*'name'.*Add the missing key"):
        settings_from_table(Settings, {}, "t")


def test_toml_is_read(tmp_path):
    (tmp_path / "a.toml").write_text('[train]\nname = "é"\n', encoding="utf-8")
    assert read_toml(tmp_path / "a.toml") == {"train": {"name": "é"}}


@pytest.mark.parametrize("content", [b"[train\n", b"a = 1\na = 2\n", b"a = 'x\n"])
def test_toml_that_does_not_parse_is_an_error(tmp_path, content):
    (tmp_path / "a.toml").write_bytes(content)
    with pytest.raises(ConfigError, match=r"a\.toml is not valid TOML.*Mend that line"):
        read_toml(tmp_path / "a.toml")


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match=r"Cannot read .*gone\.toml"):
        read_toml(tmp_path / "gone.toml")


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3), ("0.5", 0.5), ("true", True), ("[1, 2]", [1, 2]), ("edge", "edge"), ('"a"', "a")],
)
def test_a_value_on_the_command_line_needs_no_quotes(text, value):
    assert value_from_text(text) == value


def test_what_is_null_in_json_is_left_out_at_any_depth():
    table = {"a": None, "b": {"c": None, "d": 1}, "rules": [{"e": None, "f": [2, None]}]}
    assert without_none(table) == {"b": {"d": 1}, "rules": [{"f": [2, None]}]}
