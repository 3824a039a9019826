"""Places that no bundle can have are told before any work."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from slsg_edge.bundle.folder import check_name
from slsg_edge.cli import app
from slsg_edge.errors import ConfigError, StorageError


@pytest.mark.parametrize("name", [".", "/", ""])
def test_a_folder_without_a_name_is_no_bundle(name, tmp_path):
    pytest.importorskip("torch", reason="a line PC does not train")
    words = ["train", str(tmp_path), "-o", name, "--detector", "npad", "--backbone-weights", "none"]
    done = CliRunner().invoke(app, words)
    assert isinstance(done.exception, ConfigError)
    assert "is no name of a bundle" in str(done.exception)


def test_no_bundle_lies_inside_another(toy_bundle):
    with pytest.raises(StorageError, match="lies inside the bundle"):
        check_name(toy_bundle / "deep" / "inner.slsg")
    check_name(toy_bundle)
    check_name(toy_bundle.with_name("beside.slsg"))
    check_name(Path("anywhere.slsg"))
