import numpy as np

from slsg_edge.stages.activations import activations


def test_each_frame_gives_every_output_by_name(toy_model):
    frames = np.stack([np.full((32, 32, 3), level, np.uint8) for level in (0, 255)])
    found = []
    for values in activations(toy_model(), frames):
        assert values["anomaly_map"].shape == (1, 32, 32)
        found.append(float(values["image_score"][0]))
    assert found == [0, 1]


def test_one_frame_is_in_memory_at_a_time(toy_model):
    frames = np.zeros((2, 32, 32, 3), np.uint8)
    source = activations(toy_model(batch=1), frames)
    first = next(source)
    next(source)
    assert not first
