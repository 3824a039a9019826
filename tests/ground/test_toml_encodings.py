"""TOML as Windows saves it."""

import pytest

from slsg_edge.config import read_toml
from slsg_edge.errors import ConfigError

TEXT = '[training]\nname = "ü"\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path, encoding):
    (tmp_path / "a.toml").write_bytes(TEXT.encode(encoding))
    assert read_toml(tmp_path / "a.toml") == {"training": {"name": "ü"}}


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("utf-16", "UTF-16"), ("utf-16-le", "UTF-16"), ("utf-16-be", "UTF-16"), ("utf-32", "UTF-32")],
)
def test_another_encoding_is_named(tmp_path, encoding, name):
    (tmp_path / "a.toml").write_bytes(TEXT.encode(encoding))
    with pytest.raises(ConfigError, match=rf"is in {name}.*Save it as UTF-8"):
        read_toml(tmp_path / "a.toml")


def test_a_file_of_windows_1252_is_an_error_that_says_utf_8(tmp_path):
    (tmp_path / "a.toml").write_bytes(TEXT.encode("cp1252"))
    with pytest.raises(ConfigError, match=r"utf-8.*Save it as UTF-8"):
        read_toml(tmp_path / "a.toml")
