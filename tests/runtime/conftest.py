import pytest
from fake_tensorrt import Machine


@pytest.fixture
def machine() -> Machine:
    return Machine()
