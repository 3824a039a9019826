"""Weight files and the folder they are kept in, as accounts, shells and Git leave them."""

import pickle

import pytest

from slsg_edge.errors import ConfigError, StorageError
from slsg_edge.machine.host import cache_folder
from slsg_edge.models import backbone_weights as weights_from
from slsg_edge.models.backbone_weights import backbone_weights, lite0_instead_of

KEPT_AS = "slsg-edge/resnet18-f37072fd.pth"


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    def no_network(*_, **__):
        raise OSError("there is no network")

    monkeypatch.setattr("urllib.request.urlopen", no_network)


def without_home(monkeypatch):
    def no_home(cls):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("pathlib.Path.home", classmethod(no_home))


def test_an_account_without_a_home_is_told_so(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    without_home(monkeypatch)
    with pytest.raises(StorageError, match=r"no home folder .* Set HOME or XDG_CACHE_HOME"):
        backbone_weights("imagenet")


@pytest.fixture
def asked_anew():
    lite0_instead_of.cache_clear()
    yield
    lite0_instead_of.cache_clear()


@pytest.mark.usefixtures("asked_anew")
def test_what_keeps_the_weights_away_is_told_where_others_take_their_place(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(weights_from, "lite0_file", lambda: tmp_path)
    assert "there is no network" in lite0_instead_of("resnet18")


@pytest.mark.usefixtures("asked_anew")
def test_where_none_do_the_weights_that_were_asked_for_say_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(weights_from, "LITE0_PACKAGE", "no_such_package")
    assert lite0_instead_of("resnet18") is None


def test_an_account_without_a_home_may_name_a_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    without_home(monkeypatch)
    assert cache_folder() == tmp_path / "slsg-edge"


@pytest.mark.parametrize("named", ["", "cache", "./cache"])
def test_no_cache_grows_in_the_folder_where_a_command_is_given(tmp_path, monkeypatch, named):
    monkeypatch.setenv("XDG_CACHE_HOME", named)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "slsg-edge"


def test_a_folder_in_the_place_of_the_weights_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / KEPT_AS).mkdir(parents=True)
    with pytest.raises(StorageError, match=r"resnet18-f37072fd\.pth: Is a directory"):
        backbone_weights("imagenet")


def test_what_cannot_be_kept_is_not_downloaded_first(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="Not a directory"):
        backbone_weights("imagenet")


@pytest.mark.parametrize("name", ["weights.safetensors", "weights.pth"])
def test_a_pointer_of_git_lfs_is_called_one(tmp_path, name):
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 11157240\n"
    (tmp_path / name).write_text(pointer)
    with pytest.raises(ConfigError, match="git lfs pull"):
        backbone_weights(str(tmp_path / name))


def test_nobody_is_asked_to_switch_safety_off(tmp_path):
    (tmp_path / "page.pth").write_text("<html>404</html>")
    (tmp_path / "code.pth").write_bytes(pickle.dumps(print))
    for name in ("page.pth", "code.pth"):
        with pytest.raises(ConfigError, match="no file of PyTorch") as caught:
            backbone_weights(str(tmp_path / name))
        assert "weights_only" not in str(caught.value)
