# SPDX-License-Identifier: Apache-2.0
"""Training asks for no more than Keras: a machine with JAX or PyTorch alone can do it."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys
from pathlib import Path
from dataclasses import replace
import keras
from conftest import TINY, make_faces
from fer_training.train import train

splits = make_faces(48, "Training", 1), make_faces(21, "PublicTest", 2)
recipe, run = replace(TINY, epochs=1), Path(sys.argv[1])
train(recipe, *splits, run)
taught = replace(recipe, teacher=0.5, consistent_teacher=True, mixup=0.3)
train(taught, *splits, run / "taught", teachers=[run / "last.keras"])
print(keras.backend.backend(), "tensorflow" in sys.modules)
"""


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_trains_without_tensorflow(backend, tmp_path):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "run")],
        env=os.environ | {"KERAS_BACKEND": backend, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split()[-2:] == [backend, "False"]
    assert json.loads((tmp_path / "run" / "result.json").read_text())["training_rows"] == 48
