# SPDX-License-Identifier: Apache-2.0
import builtins
import importlib.util
import json
import shutil
import subprocess

import cv2
import numpy as np
import pytest
from skips import needs_litert

from fer_ros.emotions import classifier
from fer_ros.emotions.classes import EMOTIONS
from fer_ros.emotions.classifier import Classifier, default_model, softmax
from fer_ros.emotions.model_card import ModelError, sha256_of
from fer_ros.inference.shipped import MODELS

NAME = classifier.DEFAULT_NAME
TFLITE, ONNX = MODELS / f"{NAME}.tflite", MODELS / f"{NAME}.onnx"
SMALL_TFLITE, SMALL_ONNX = MODELS / f"{NAME}_small.tflite", MODELS / f"{NAME}_small.onnx"


@pytest.fixture
def crops():
    """Smooth grey pictures, uint8 [20, 48, 48]."""
    random = np.random.default_rng(1)
    return [cv2.resize(random.integers(0, 256, (6, 6), np.uint8), (48, 48)) for _ in range(20)]


@pytest.fixture
def copied(tmp_path):
    """A copy of the shipped models, to be spoilt."""
    for path in MODELS.glob(f"{NAME}.*"):
        shutil.copy(path, tmp_path)
    return tmp_path


def recard(model, **changes):
    """Make the card beside ``model`` fit its present bytes."""
    path = model.with_suffix(".json")
    card = json.loads(path.read_text())
    card["files"][model.name]["sha256"] = sha256_of(model)
    path.write_text(json.dumps(card | changes))


@pytest.mark.parametrize(
    "model", ["", "small", ONNX, SMALL_ONNX, pytest.param(TFLITE, marks=needs_litert)]
)
def test_gives_probabilities(model, crops):
    run = Classifier(model)
    for crop in crops:
        probabilities = run.probabilities(crop)
        assert probabilities.shape == (len(EMOTIONS),)
        assert probabilities.dtype == np.float32
        assert probabilities.min() >= 0
        assert probabilities.sum() == pytest.approx(1, abs=1e-5)
    name = f"{NAME}_small" if "small" in str(model) else NAME
    assert run.identity == f"{name}@{sha256_of(run.path)[:8]}"


@needs_litert
def test_backends_agree_on_the_shipped_model(crops):
    """Int8 against float32; the same float model in all forms is compared in training/tests."""
    by_litert, by_opencv = Classifier(TFLITE), Classifier(ONNX)
    gaps = [np.abs(by_litert.probabilities(c) - by_opencv.probabilities(c)).max() for c in crops]
    assert np.median(gaps) < 0.1


@needs_litert
def test_the_small_models_forms_agree(shared):
    """The weights are the same; what flows between the layers is rounded in one of them."""
    faces = np.load(shared / "data/faces_unlabelled/faces.npz")["images"][:500]
    runs = Classifier(SMALL_TFLITE), Classifier(SMALL_ONNX)
    first, second = (np.array([run.probabilities(face) for face in faces]) for run in runs)
    gaps = np.abs(first - second).max(axis=1)
    assert np.median(gaps) < 0.02
    assert np.percentile(gaps, 99) < 0.1
    assert (first.argmax(axis=1) == second.argmax(axis=1)).mean() > 0.95


@needs_litert
def test_threads_do_not_change_the_result(crops):
    one, two = Classifier(TFLITE, threads=1), Classifier(TFLITE, threads=2)
    for crop in crops[:3]:
        np.testing.assert_allclose(one.probabilities(crop), two.probabilities(crop), atol=1e-5)


@pytest.mark.parametrize("model", [ONNX, SMALL_ONNX], ids=["default", "small"])
def test_debians_opencv_gives_the_same(repository, crops, tmp_path, model):
    """Apt packages alone run the model: OpenCV 4.6 in Debian 12 and Ubuntu 24.04."""
    python = "/usr/bin/python3"
    program = (
        "import sys, numpy\n"
        "from fer_ros.emotions.classifier import Classifier\n"
        "run = Classifier(sys.argv[1])\n"
        "crops = numpy.load(sys.argv[2])\n"
        "numpy.save(sys.argv[2], [run.probabilities(c) for c in crops])\n"
    )
    file = tmp_path / "crops.npy"
    np.save(file, crops)
    if subprocess.run([python, "-c", "import cv2"], capture_output=True, check=False).returncode:
        pytest.skip("Debian's python3-opencv is not installed")
    command = [python, "-c", program, str(model), str(file)]
    subprocess.run(command, cwd=repository, check=True)
    ours = Classifier(model)
    np.testing.assert_allclose(np.load(file), [ours.probabilities(c) for c in crops], atol=1e-4)


def test_same_crop_same_result(crops):
    run = Classifier()
    np.testing.assert_array_equal(run.probabilities(crops[0]), run.probabilities(crops[0]))


def test_temperature_is_applied(copied, crops):
    model = copied / ONNX.name
    plain = Classifier(model).probabilities(crops[0])
    path = model.with_suffix(".json")
    card = json.loads(path.read_text())
    card["files"][model.name]["temperature"] *= 3
    path.write_text(json.dumps(card))
    flat = Classifier(model).probabilities(crops[0])
    assert flat.max() < plain.max()
    assert flat.argmax() == plain.argmax()


def test_default_model_without_litert(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert default_model() == ONNX
    assert Classifier("small").path == SMALL_ONNX


@pytest.mark.parametrize(
    "crop",
    [
        np.zeros((47, 48), np.uint8),
        np.zeros((48, 48, 1), np.uint8),
        np.zeros((48, 48), np.float32),
    ],
)
def test_refuses_another_crop(crop):
    with pytest.raises(ValueError, match=r"not uint8 \(48, 48\)"):
        Classifier().probabilities(crop)


def test_missing_model_and_wrong_ending(tmp_path):
    with pytest.raises(ModelError, match="no model file"):
        Classifier(tmp_path / "none.tflite")
    (tmp_path / "model.pkl").write_bytes(b"")
    with pytest.raises(ModelError, match=r"expected a file ending in \.tflite, \.onnx, \.keras"):
        Classifier(tmp_path / "model.pkl")


@pytest.mark.parametrize("file", [ONNX.name, pytest.param(TFLITE.name, marks=needs_litert)])
@pytest.mark.parametrize("content", [b"", b"nonsense", None])
def test_corrupt_model(copied, file, content):
    model = copied / file
    whole = model.read_bytes()
    model.write_bytes(whole[: len(whole) // 2] if content is None else content)
    with pytest.raises(ModelError, match="sha256"):
        Classifier(model)
    recard(model)  # even where the card agrees
    with pytest.raises(ModelError, match=file) as error:
        Classifier(model)
    assert "\n" not in str(error.value)


def test_card_that_disagrees_with_the_graph(copied):
    recard(copied / ONNX.name, input_size=17)
    with pytest.raises(ModelError) as error:
        Classifier(copied / ONNX.name).probabilities(np.zeros((48, 48), np.uint8))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("suffix", "module", "advice"),
    [
        (".tflite", "ai_edge_litert", "pip install ai-edge-litert"),
        (".keras", "keras", "tensorflow"),
    ],
)
def test_missing_backend_says_what_to_install(copied, monkeypatch, suffix, module, advice):
    model = copied / f"{NAME}{suffix}"
    if not model.exists():
        model.write_bytes(b"anything")
        card = json.loads((copied / f"{NAME}.json").read_text())
        card["files"][model.name] = {"sha256": sha256_of(model), "temperature": 1.0}
        (copied / f"{NAME}.json").write_text(json.dumps(card))
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith(module):
            raise ImportError(f"No module named {name!r}")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ModelError, match=advice):
        Classifier(model)


def test_softmax():
    values = softmax(np.array([1000.0, 1000.0, -1000.0]))
    np.testing.assert_allclose(values, [0.5, 0.5, 0], atol=1e-7)
    assert softmax(np.zeros((4, 7))).shape == (4, 7)
