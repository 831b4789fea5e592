# SPDX-License-Identifier: Apache-2.0
"""A small 112x112 RGB network of another family, from Keras to each file of the run time."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf2onnx

from fer_ros.emotions.classes import EMOTIONS
from fer_ros.emotions.classifier import Classifier, softmax
from fer_ros.emotions.model_card import ModelError, sha256_of

MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]  # torchvision's, times 255
CARD = {
    "name": "residual",
    "version": "1",
    "labels": list(EMOTIONS),
    "framing": {"size": 112, "margin": 1.1, "channels": 3},
    "scaling": {"mean": MEAN, "std": STD},
    "input_size": 112,
    "uncertain_below": 0.4,
}


def residual_network() -> keras.Model:
    """Two residual blocks (He et al., 2016), untrained: logits that differ from face to face."""
    keras.utils.set_random_seed(3)
    layers = keras.layers
    face = keras.Input((112, 112, 3), name="face")
    x = layers.Conv2D(8, 7, strides=4, padding="same", activation="relu")(face)
    for _ in range(2):
        y = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
        x = layers.ReLU()(layers.Add()([x, layers.Conv2D(8, 3, padding="same")(y)]))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(face, layers.Dense(7)(x))


@pytest.fixture(scope="module")
def network():
    return residual_network()


@pytest.fixture(scope="module")
def folder(network, tmp_path_factory):
    """The network as .keras, .tflite and .onnx, with one card."""
    folder = tmp_path_factory.mktemp("residual")
    network.save(folder / "residual.keras")
    tflite = tf.lite.TFLiteConverter.from_keras_model(network).convert()
    (folder / "residual.tflite").write_bytes(tflite)
    signature = [tf.TensorSpec([1, 112, 112, 3], tf.float32, "face")]
    forward = tf.function(lambda face: network(face, training=False), input_signature=signature)
    proto, _ = tf2onnx.convert.from_function(forward, signature, opset=9, inputs_as_nchw=["face"])
    (folder / "residual.onnx").write_bytes(proto.SerializeToString())
    write_card(folder)
    return folder


def write_card(folder, **changes):
    files = [path for path in folder.glob("residual.*") if path.suffix != ".json"]
    entries = {path.name: {"sha256": sha256_of(path), "temperature": 1.0} for path in files}
    card = CARD | changes | {"files": entries}
    content = {key: value for key, value in card.items() if value is not None}
    (folder / "residual.json").write_text(json.dumps(content))


@pytest.fixture
def crops():
    return np.random.default_rng(5).integers(0, 256, (4, 112, 112, 3), np.uint8)


@pytest.mark.parametrize("suffix", ["keras", "tflite", "onnx"])
def test_the_same_by_every_backend(network, folder, crops, suffix):
    classifier = Classifier(folder / f"residual.{suffix}")
    expected = softmax(network.predict((crops - np.float32(MEAN)) / np.float32(STD), verbose=0))
    found = [classifier.probabilities(crop) for crop in crops]
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert np.ptp(expected, axis=0).max() > 1e-3, (
        "a network that says the same of all tests nothing"
    )


GREY = {"framing": {"size": 112, "margin": 1.0}, "scaling": None}
SMALLER = {"framing": {"size": 96, "margin": 1.0, "channels": 3}}


@pytest.mark.parametrize(
    ("suffix", "changes"),
    [
        ("keras", GREY),
        ("keras", SMALLER),
        ("tflite", GREY),
        ("tflite", SMALLER),
        ("tflite", {"scaling": None}),
        ("onnx", GREY),
    ],
)
def test_a_card_that_disagrees_is_refused(folder, tmp_path, suffix, changes):
    path = tmp_path / f"residual.{suffix}"
    path.write_bytes((folder / path.name).read_bytes())
    write_card(tmp_path, **changes)
    with pytest.raises(ModelError) as error:
        Classifier(path)
    assert "\n" not in str(error.value)
