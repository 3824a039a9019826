import pytest

from slsg_edge.bundle.tolerances import DEFAULTS, Tolerance, tolerance_of
from slsg_edge.errors import ConfigError

STRICT = Tolerance(0.0, 0.0, 0.0, 1.0)


def test_a_backends_own_comes_before_its_precisions_and_that_before_the_default():
    table = {"fp16": STRICT, "openvino-int8": STRICT}
    assert tolerance_of(table, "tensorrt-fp16", "fp16") == STRICT
    assert tolerance_of(table, "openvino-int8", "int8") == STRICT
    assert tolerance_of(table, "tensorrt-int8", "int8") == DEFAULTS["int8"]


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_what_is_no_share_is_refused(value):
    with pytest.raises(ConfigError, match="A tolerance"):
        Tolerance(value, 0.1, 0.1, 0.9)
