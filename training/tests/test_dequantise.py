# SPDX-License-Identifier: Apache-2.0
"""An ONNX network from an int8 file alone."""

import json
import shutil

import numpy as np
import pytest
from conftest import write_csv
from fer_training.cli import main
from fer_training.dequantise import from_litert
from fer_training.export import one_channel, to_litert
from fer_training.model import build_model

from fer_ros.emotions.classes import EMOTIONS
from fer_ros.emotions.classifier import Classifier, load_keras, open_backend
from fer_ros.emotions.model_card import ModelError, sha256_of


@pytest.fixture(scope="module")
def int8(run, training, tmp_path_factory):
    """A folder with tiny.tflite and the card that ``export`` writes, less the .onnx."""
    folder = tmp_path_factory.mktemp("int8")
    network = one_channel(load_keras(run / "last.keras"))
    model = folder / "tiny.tflite"
    model.write_bytes(to_litert(network, "int8", training.images))
    card = {
        "name": "tiny",
        "version": "1",
        "labels": list(EMOTIONS),
        "framing": {"size": 48, "margin": 1.0},
        "input_size": network.layers[2].width,
        "uncertain_below": 0.4,
        "files": {model.name: {"sha256": sha256_of(model), "temperature": 1.0}},
    }
    model.with_suffix(".json").write_text(json.dumps(card))
    return folder


def test_the_command_writes_network_and_card(int8, training, validation, tmp_path, capsys):
    csv = write_csv(tmp_path / "fer.csv", training, validation)
    folder = tmp_path / "model"
    shutil.copytree(int8, folder)
    assert main(["onnx", "--model", str(folder / "tiny.tflite"), "--csv", str(csv)]) == 0
    assert "deduplicated" in capsys.readouterr().out
    entry = json.loads((folder / "tiny.json").read_text())["files"]["tiny.onnx"]
    assert entry["made_of"] == "tiny.tflite"
    assert entry["sha256"] == sha256_of(folder / "tiny.onnx")
    assert set(entry) >= {"accuracy", "accuracy_deduplicated", "macro_f1", "recall", "temperature"}
    size = Classifier(folder / "tiny.onnx").card.input_size
    one, other = (open_backend(folder / f"tiny.{form}", size) for form in ("tflite", "onnx"))
    gaps = [np.abs(one.logits(i) - other.logits(i)).max() for i in training.images[:20]]
    spread = np.std([one.logits(i) for i in training.images[:20]])
    assert np.median(gaps) < max(0.5 * spread, 0.05)


def test_float_weights_are_taken_as_they_are(run, training, tmp_path):
    network = one_channel(load_keras(run / "last.keras"))
    model = tmp_path / "float.tflite"
    model.write_bytes(to_litert(network))
    again = from_litert(model, network.layers[2].width)
    faces = training.images[:8, ..., None]
    wanted, found = network.predict(faces, verbose=0), again.predict(faces, verbose=0)
    np.testing.assert_allclose(found, wanted, atol=1e-3)


def test_another_network_is_refused(tmp_path):
    import keras

    face = keras.Input((48, 48, 1), dtype="uint8")
    x = keras.layers.Conv2D(7, 48)(keras.layers.Rescaling(1.0)(face))
    model = tmp_path / "other.tflite"
    model.write_bytes(to_litert(keras.Model(face, keras.layers.Flatten()(x))))
    with pytest.raises(ModelError, match="not a MobileNetV2"):
        from_litert(model, build_model(32).layers[2].width)
