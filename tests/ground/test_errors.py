import pickle

import pytest

from slsg_edge.errors import BundleChanged, ConfigError, EngineError, MissingDependency, SlsgError


@pytest.mark.parametrize(
    "error",
    [
        ConfigError("wrong", fix="mend it"),
        BundleChanged("changed", fix="again"),
        MissingDependency("torch", extra="train"),
        EngineError("refused", fix="build again", log=("line 1", "line 2")),
    ],
)
def test_an_error_of_a_worker_process_comes_back_whole(error: SlsgError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert (again.what, again.fix) == (error.what, error.fix)
    assert vars(again) == vars(error)


def test_the_lines_of_the_log_come_back_too() -> None:
    again = pickle.loads(pickle.dumps(EngineError("refused", fix="x", log=("line 1",))))
    assert again.log == ("line 1",)
