"""A bundle that another account made, with a umask of 077: a copy would not mend it."""

import os
import shutil

import pytest

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.errors import BundleError


@pytest.fixture
def refused(monkeypatch):
    """Makes the system refuse files of one name; root is refused nothing."""

    def make(name):
        opened = os.open

        def refuse(path, *given, **named):
            if os.fspath(path).endswith(name):
                raise PermissionError(13, "Permission denied", os.fspath(path))
            return opened(path, *given, **named)

        monkeypatch.setattr(os, "open", refuse)

    return make


@pytest.fixture
def odd_bundle(toy_bundle, tmp_path):
    path = tmp_path / "it's (1).slsg"
    shutil.copytree(toy_bundle, path)
    return path


def test_a_manifest_that_may_not_be_read_is_not_called_damaged(odd_bundle, refused):
    refused("manifest.json")
    with pytest.raises(BundleError, match=r"cannot be read: Permission denied\.") as caught:
        open_bundle(odd_bundle)
    assert "chmod -R a+rX '" in caught.value.fix


def test_a_model_that_may_not_be_read_asks_for_no_copy(odd_bundle, refused):
    bundle = open_bundle(odd_bundle)
    refused("model.onnx")
    with pytest.raises(BundleError, match=r"model\.onnx cannot be read") as caught:
        bundle.file("model.onnx")
    assert "Copy" not in caught.value.fix
