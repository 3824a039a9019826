"""watch_two_pictures.py BUNDLE FOLDER: a line PC without torch and onnx tells dark from light.

The Python that runs this is the line PC's. BUNDLE is copied to FOLDER, which is made, and calls a
frame anomalous when it is lighter than half.
"""

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ABSENT = "torch", "onnx", "onnxscript", "safetensors", "matplotlib"
LEVELS = {"dark.png": 30, "light.png": 220}
EXPECTED = ["good", "anomalous"]


def main(bundle: Path, folder: Path) -> None:
    if present := [name for name in ABSENT if find_spec(name)]:
        sys.exit(f"A line PC needs none of these, but they are installed: {', '.join(present)}")
    shutil.copytree(bundle, folder / bundle.name)
    draw(folder / "frames")
    if "calibrate" not in slsg_edge(folder, "--help"):
        sys.exit("--help does not name the commands")
    if "model.onnx" not in slsg_edge(folder, "info", "-v", bundle.name):
        sys.exit("info does not show the bundle's files")
    records = slsg_edge(folder, "watch", bundle.name, "frames", "--backend", "onnxruntime")
    verdicts = [json.loads(line)["verdict"] for line in records.splitlines()]
    if verdicts != EXPECTED:
        sys.exit(f"The verdicts are {verdicts}, not {EXPECTED}")


def draw(folder: Path) -> None:
    """A dark picture and a light one, with something on them: one of one colour is no picture."""
    import cv2
    import numpy as np

    folder.mkdir()
    noise = np.random.default_rng(0).integers(-20, 21, (48, 64, 3))
    for name, level in LEVELS.items():
        if not cv2.imwrite(str(folder / name), (level + noise).astype(np.uint8)):
            sys.exit(f"OpenCV cannot write {folder / name}")


def slsg_edge(folder: Path, *words: str) -> str:
    """What the installed command says on standard output; its failure ends this."""
    command = Path(sys.executable).with_name("slsg-edge")
    done = subprocess.run(
        [command, *words], cwd=folder, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    if done.returncode:
        sys.exit(f"slsg-edge {' '.join(words)} ended with exit code {done.returncode}")
    return done.stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
