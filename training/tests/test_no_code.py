# SPDX-License-Identifier: Apache-2.0
"""A .keras file that carries code, or wants some, is not loaded, whatever its card says."""

import json

import keras
import pytest

from fer_ros.emotions.classifier import Classifier, load_keras
from fer_ros.emotions.model_card import ModelError, sha256_of
from fer_ros.inference.shipped import MODELS


def test_keras_refuses_code(tmp_path):
    trace, path = tmp_path / "trace", tmp_path / "bad.keras"
    file = str(trace)
    entry = keras.Input((48, 48, 1))
    code = keras.layers.Lambda(lambda x: (open(file, "w"), x)[1])(entry)  # noqa: SIM115, PTH123
    keras.Model(entry, keras.layers.Dense(7)(keras.layers.Flatten()(code))).save(path)
    trace.unlink()
    card = json.loads((MODELS / "emotion_mobilenet_v2.json").read_text())
    card["files"] = {path.name: {"sha256": sha256_of(path), "temperature": 1.0}}
    path.with_suffix(".json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match="cannot load"):
        Classifier(path)
    assert not trace.exists()


def test_unknown_class_is_told_briefly(tmp_path):
    class Other(keras.Model):
        pass

    entry = keras.Input((48, 48, 1))
    x = keras.layers.Flatten()(entry)
    for units in [7] * 40:  # in its error Keras describes every layer
        x = keras.layers.Dense(units)(x)
    Other(entry, x).save(tmp_path / "other.keras")
    with pytest.raises(ModelError, match="'Other'") as error:
        load_keras(tmp_path / "other.keras")
    assert len(str(error.value)) < 500
