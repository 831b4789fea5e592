# SPDX-License-Identifier: Apache-2.0
"""A 112x112 RGB network of another family, by its card: alone, in the pipeline, in the node.

What TensorFlow exports of such a network is run in training/tests/test_other_networks.py.
"""

import json
import subprocess
from contextlib import suppress

import numpy as np
import pytest
from node_helpers import astronaut, stamped
from tiny_onnx import colour_network

from fer_ros.emotions.classes import EMOTIONS
from fer_ros.emotions.classifier import Classifier, softmax
from fer_ros.emotions.model_card import ModelError, sha256_of
from fer_ros.faces.crop import crop_face
from fer_ros.faces.detectors import create_detector
from fer_ros.inference.onnx_input import declared_input
from fer_ros.inference.shipped import MODELS
from fer_ros.observation import Observation
from fer_ros.parameters import create_pipeline

SIZE = 112
MEAN, STD = np.array([123.0, 117.0, 104.0]), np.array([58.0, 57.0, 56.0])
RED, BLUE = EMOTIONS.index("anger"), EMOTIONS.index("sadness")
WEIGHTS = np.zeros((3, 7))
WEIGHTS[0, RED] = WEIGHTS[2, BLUE] = 1
BIAS = np.linspace(0, 0.6, 7)


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "colours.onnx"
    path.write_bytes(colour_network(SIZE, WEIGHTS, BIAS))
    write_card(path)
    return path


def write_card(path, scaling=True, **framing):
    card = {
        "name": "colours",
        "version": "1",
        "labels": list(EMOTIONS),
        "framing": {"size": SIZE, "margin": 1.2, "channels": 3} | framing,
        "input_size": framing.get("size", SIZE),
        "uncertain_below": 0.2,
        "files": {path.name: {"sha256": sha256_of(path), "temperature": 2.0}},
    }
    if scaling:
        card["scaling"] = {"mean": MEAN.tolist(), "std": STD.tolist()}
    path.with_suffix(".json").write_text(json.dumps(card))


def expected(crop):
    """What the network says, by NumPy."""
    colour = ((crop - MEAN) / STD).mean(axis=(0, 1))
    return softmax((colour @ WEIGHTS + BIAS) / 2)


def picture(*rgb):
    return np.full((SIZE, SIZE, 3), rgb, np.uint8)


def test_channels_in_order_and_scaled(model):
    classifier = Classifier(model)
    noise = np.random.default_rng(1).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    for crop in (picture(255, 0, 0), picture(0, 0, 255), noise):
        np.testing.assert_allclose(classifier.probabilities(crop), expected(crop), atol=2e-4)
    assert classifier.probabilities(picture(255, 0, 0)).argmax() == RED
    assert classifier.probabilities(picture(0, 0, 255)).argmax() == BLUE


def test_pixels_as_they_are_without_a_scaling(model):
    write_card(model, scaling=False)
    crop = picture(7, 20, 5)
    logits = np.array([7, 20, 5]) @ WEIGHTS + BIAS
    np.testing.assert_allclose(
        Classifier(model).probabilities(crop), softmax(logits / 2), atol=2e-4
    )


@pytest.mark.parametrize("shape", [(48, 48), (SIZE, SIZE), (SIZE, SIZE, 1), (96, 96, 3)])
def test_refuses_another_crop(model, shape):
    with pytest.raises(ValueError, match=r"not uint8 \(112, 112, 3\)"):
        Classifier(model).probabilities(np.zeros(shape, np.uint8))


@pytest.mark.parametrize(
    ("framing", "wanted"),
    [
        ({"channels": 1}, r"\[1, 1, 112, 112\]"),
        ({"size": 96}, r"\[1, 3, 96, 96\]"),  # which OpenCV would run without a word
        ({"size": 48, "channels": 1}, r"\[1, 1, 48, 48\]"),
    ],
)
def test_refuses_a_card_that_disagrees(model, framing, wanted):
    write_card(model, scaling=False, **framing)
    with pytest.raises(
        ModelError, match=rf"input is float32 \[1, 3, 112, 112\], not float32 {wanted}; input"
    ):
        Classifier(model)


def test_reads_what_onnx_files_declare(model, tmp_path):
    assert declared_input(model.read_bytes()) == (1, 3, SIZE, SIZE)
    for path in (MODELS / "emotion_mobilenet_v2.onnx", MODELS / "emotion_mobilenet_v2_small.onnx"):
        assert declared_input(path.read_bytes())[:2] == (1, 1)
    whole = model.read_bytes()
    for length in range(len(whole)):
        (tmp_path / "torn.onnx").write_bytes(whole[:length])
        # What comes after the graph may be missing.
        with suppress(ValueError):
            assert declared_input((tmp_path / "torn.onnx").read_bytes()) == (1, 3, SIZE, SIZE)


def test_a_side_that_is_left_open_takes_any_size(tmp_path):
    path = tmp_path / "open.onnx"
    path.write_bytes(colour_network(0, WEIGHTS, BIAS))
    write_card(path)
    assert declared_input(path.read_bytes()) == (1, 3, 0, 0)
    assert Classifier(path).probabilities(picture(255, 0, 0)).argmax() == RED


def test_the_same_by_debians_opencv(repository, model):
    python = "/usr/bin/python3"
    if subprocess.run([python, "-c", "import cv2"], capture_output=True, check=False).returncode:
        pytest.skip("Debian's python3-opencv is not installed")
    program = (
        "import sys, numpy\n"
        "from fer_ros.emotions.classifier import Classifier\n"
        "crop = numpy.full((112, 112, 3), (255, 0, 0), numpy.uint8)\n"
        "print(*Classifier(sys.argv[1]).probabilities(crop))\n"
    )
    command = [python, "-c", program, str(model)]
    found = subprocess.run(command, cwd=repository, check=True, capture_output=True, text=True)
    values = [float(word) for word in found.stdout.split()]
    np.testing.assert_allclose(values, expected(picture(255, 0, 0)), atol=2e-4)


def test_the_pipeline_cuts_what_it_takes(model):
    pipeline = create_pipeline(model=str(model), detector="haar", face_mesh="off")
    (face,) = pipeline.process(Observation(astronaut(), 1.0)).faces
    detector = create_detector("haar")
    (detection,) = detector.detect(astronaut())
    framing = detector.framing._replace(side=detector.framing.side * 1.2)
    crop = crop_face(astronaut(), detection, framing, SIZE, channels=3)
    np.testing.assert_allclose(face.raw_probabilities, expected(crop), atol=2e-4)


def test_the_node_runs_it(bench, model):
    bench.start(model=str(model), detector="haar")
    message = stamped(astronaut()[..., ::-1], 1000)  # a face of skin turned blue
    result = bench.process(bench.publisher(), message)
    assert result.model.startswith("colours@")
    assert [face.label for face in result.faces] == ["sadness"]
