import tempfile

import numpy as np

from slsg_edge.bundle.folder import open_bundle
from slsg_edge.stages.reference import run_graph


def test_a_graph_runs_from_memory_without_a_disk(toy_bundle, toy_model, tmp_path, monkeypatch):
    bundle = open_bundle(toy_bundle)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    frames = np.full((2, 32, 32, 3), 51, np.uint8)
    maps, scores = run_graph(toy_model(), frames, bundle)
    np.testing.assert_allclose(maps, np.full((2, 32, 32), 0.2), rtol=1e-6)
    np.testing.assert_allclose(scores, [0.2, 0.2], rtol=1e-6)
