# SPDX-License-Identifier: Apache-2.0
"""Model and card are data: nothing that is read can carry code, and nothing unpickles."""

import ast
import importlib
import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
from source_files import REPOSITORY, SOURCES, imported_packages

from fer_ros.emotions.classifier import Classifier
from fer_ros.emotions.model_card import ModelError, sha256_of
from fer_ros.inference import SUFFIXES
from fer_ros.inference.shipped import MODELS

UNPICKLERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "yaml.load", "yaml.unsafe_load"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_source_has_nothing_that_unpickles(path):
    assert not imported_packages(path) & UNPICKLERS
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in FORBIDDEN_CALLS
            if called in ("np.load", "numpy.load"):
                given = {k.arg: ast.unparse(k.value) for k in node.keywords}
                assert given.get("allow_pickle", "False") == "False"


class Bomb:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("ending", [*SUFFIXES, ".pkl", ".npy", ".h5", ".pt"])
def test_a_pickle_in_the_place_of_a_model(tmp_path, ending):
    """Under a card that vouches for it."""
    trace, model = tmp_path / "trace", tmp_path / f"bad{ending}"
    if ending == ".npy":
        np.save(model, np.array([Bomb(trace)], dtype=object), allow_pickle=True)
    else:
        model.write_bytes(pickle.dumps(Bomb(trace)))
    vouch(model)
    with pytest.raises(ModelError):
        Classifier(model)
    assert not trace.exists()


def vouch(model):
    """A card that fits ``model``."""
    card = json.loads((MODELS / "emotion_mobilenet_v2.json").read_text())
    card["files"] = {model.name: {"sha256": sha256_of(model), "temperature": 1.0}}
    model.with_suffix(".json").write_text(json.dumps(card))


PROGRAM = """
import sys
def hook(event, args):
    if event == "pickle.find_class":
        sys.exit(f"unpickles {args}")
sys.addaudithook(hook)
from fer_ros.inference.shipped import MODELS
from fer_ros.observation import Observation
from fer_ros.parameters import create_pipeline
from fer_ros.sources.sample import Sample
for model in (MODELS / "emotion_mobilenet_v2.onnx", ""):
    pipeline = create_pipeline(model=str(model))
    assert pipeline.process(Observation(Sample()[0], 1.0)).faces
if sys.argv[1:]:
    import pickle, collections
    pickle.loads(pickle.dumps(collections.OrderedDict()))
"""


@pytest.mark.parametrize("arguments", [[], ["and unpickle"]], ids=["ours", "the proof works"])
def test_nothing_unpickles_at_run_time(arguments):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ("unpickles" in done.stderr) == bool(arguments), done.stderr
    assert (done.returncode == 0) == (not arguments), done.stderr


KERAS = """
import numpy as np
from types import SimpleNamespace
asked = []
def load_model(path, **options):
    assert options == {"compile": False, "safe_mode": True}
    asked.append(options)
    return SimpleNamespace(
        input_shape=(None, 48, 48, 1),
        output_shape=(None, 7),
        predict_on_batch=lambda batch: np.zeros((len(batch), 7), np.float32),
    )
saving = SimpleNamespace(load_model=load_model)
"""


def test_keras_files_are_loaded_in_safe_mode(tmp_path, monkeypatch):
    """Keras refuses Lambda layers then, which hold marshalled code (see training/tests)."""
    packages = tmp_path / "packages"
    packages.mkdir()
    (packages / "keras.py").write_text(KERAS)
    monkeypatch.syspath_prepend(packages)
    monkeypatch.setenv("PYTHONPATH", str(packages))  # of the process that tries the file first
    path = tmp_path / "tiny.keras"
    path.write_bytes(b"weights")
    vouch(path)
    assert Classifier(path).backend_name == "keras"
    keras = importlib.import_module("keras")
    monkeypatch.delitem(sys.modules, "keras")
    assert keras.asked == [{"compile": False, "safe_mode": True}]
