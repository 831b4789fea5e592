# SPDX-License-Identifier: Apache-2.0
"""What runs networks: each gives the same answers, and says in one line why it cannot."""

import hashlib
import importlib.util
import json
import os
from pathlib import Path

import numpy as np
import pytest
from skips import needs_litert, needs_onnxruntime
from tiny_onnx import colour_network

from fer_ros.emotions.classifier import Classifier
from fer_ros.faces.mesh import FaceMesh, square_of
from fer_ros.inference import NetworkError, advice, backend_of, open_network
from fer_ros.inference.quiet import without_notes
from fer_ros.inference.shipped import MODELS, SHIPPED, shipped
from fer_ros.observation import Observation
from fer_ros.parameters import create_pipeline
from fer_ros.sources.sample import Sample

ONNX = [name for name in SHIPPED if name.endswith(".onnx")]


def test_the_table_has_every_file_that_ships():
    files = [p for p in MODELS.iterdir() if p.suffix in (".tflite", ".onnx")]
    assert {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in files} == SHIPPED
    with pytest.raises(LookupError, match="no network nose"):
        shipped("nose")


@needs_onnxruntime
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", ONNX)
def test_onnx_runtime_answers_as_opencv_does(name, threads):
    fast, known = (
        open_network(MODELS / name, threads, backend) for backend in ("onnxruntime", "opencv")
    )
    assert (fast.backend, known.backend) == ("onnxruntime", "opencv")
    shape = [side or 1 for side in known.entry.shape]
    assert [side or 1 for side in fast.entry.shape] == shape
    assert fast.entry.dtype == known.entry.dtype == "float32"
    rng = np.random.default_rng(0)
    scale = 255 if name.startswith("emotion") else 1
    for _ in range(3):
        values = (rng.random(shape) * scale).astype(np.float32)
        for one, other in zip(fast(values), known(values), strict=True):
            assert one.shape == other.shape
            assert one == pytest.approx(other, abs=2e-4 * max(1, np.abs(other).max()))


@needs_onnxruntime
def test_without_litert_onnx_runtime_runs_everything(without_litert, monkeypatch):
    hidden = importlib.util.find_spec

    def find_spec(name, *rest):
        return name == "onnxruntime" or hidden(name, *rest)

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    pipeline = create_pipeline()
    assert pipeline.classifier.backend_name == "onnxruntime"
    (face,) = pipeline.process(Observation(Sample()[0], 1.0)).faces
    assert face.label == "joy"
    assert face.facing


@needs_onnxruntime
@needs_litert
def test_the_mesh_sees_the_same():
    image = Sample()[0]
    square = square_of(create_pipeline(face_mesh="off").detector.detect(image)[0])
    one, other = (FaceMesh(MODELS / f"face_landmark.{s}").look(image, square) for s in KINDS)
    assert one.points == pytest.approx(other.points, abs=0.02)


KINDS = ("tflite", "onnx")


@needs_onnxruntime
def test_a_network_of_emotiefflibs_signature(tmp_path):
    """Eight classes in AffectNet's order, RGB of 224 pixels, ImageNet's mean and deviation, by its
    card; the answers are those of ONNX Runtime asked by hand.
    """
    import onnxruntime

    labels = ["Anger", "Contempt", "Disgust", "Fear", "Happiness", "Neutral", "Sadness", "Surprise"]
    mean, deviation = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
    rng = np.random.default_rng(2)
    path = tmp_path / "affectnet.onnx"
    path.write_bytes(colour_network(224, rng.normal(0, 1, (3, 8)), rng.normal(0, 1, 8)))
    card = {
        "name": "affectnet",
        "version": "1",
        "labels": labels,
        "framing": {"size": 224, "margin": 1.3, "channels": 3},
        "scaling": {"mean": mean.tolist(), "std": deviation.tolist()},
        "input_size": 224,
        "uncertain_below": 0.2,
        "files": {
            path.name: {
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                "temperature": 1.5,
            }
        },
    }
    path.with_suffix(".json").write_text(json.dumps(card))
    classifier = Classifier(path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    ours = ["Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise", "Neutral"]
    for _ in range(3):
        crop = rng.integers(0, 256, (224, 224, 3), np.uint8)
        values = ((crop - mean) / deviation).astype(np.float32).transpose(2, 0, 1)[None]
        (logits,) = session.run(None, {session.get_inputs()[0].name: values})
        powers = np.exp([logits[0, labels.index(name)] / 1.5 for name in ours])
        assert classifier.probabilities(crop) == pytest.approx(powers / powers.sum(), abs=1e-4)
    (face,) = create_pipeline(model=str(path)).process(Observation(Sample()[0], 1.0)).faces
    assert face.probabilities.sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    "backend",
    [
        pytest.param("litert", marks=needs_litert),
        pytest.param("onnxruntime", marks=needs_onnxruntime),
        "opencv",
    ],
)
@pytest.mark.parametrize("content", [None, b"", b"not a network"])
def test_what_cannot_be_run(tmp_path, backend, content):
    path = tmp_path / "some.network"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(NetworkError, match=str(path)) as error:
        open_network(path, backend=backend)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["face_landmark.onnx", "emotion_mobilenet_v2.onnx"])
def test_values_that_it_does_not_take(name):
    with pytest.raises(NetworkError, match="does not take its input") as error:
        open_network(MODELS / name)(np.zeros((1, 2, 3), np.float32))
    assert "\n" not in str(error.value)


def test_another_ending(tmp_path):
    with pytest.raises(NetworkError, match=r"ending in \.tflite, \.onnx, \.keras"):
        backend_of(tmp_path / "network.pkl")


def test_what_would_be_faster_is_said_of_opencv_alone():
    assert "LiteRT or ONNX Runtime" in advice("opencv")
    assert advice("litert") == advice("onnxruntime") == ""


def test_a_librarys_notes_are_left_out_and_nothing_else(capfd):
    with without_notes():
        os.write(2, b"INFO: Created a delegate\nWARNING: slow\na word of ours\n")
    os.write(2, b"INFO: later\n")
    assert capfd.readouterr().err == "WARNING: slow\na word of ours\nINFO: later\n"


def test_notes_are_said_where_no_file_can_be_made(capfd, monkeypatch):
    monkeypatch.setattr("tempfile.TemporaryFile", lambda: Path("/nowhere/x").open())  # noqa: SIM115
    with without_notes():
        os.write(2, b"INFO: said\n")
    assert capfd.readouterr().err == "INFO: said\n"
