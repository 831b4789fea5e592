# SPDX-License-Identifier: Apache-2.0
"""A .keras file that carries code is not loaded, whatever its card says."""

import json

import keras
import pytest

from fer_ros.emotions.classifier import MODELS, Classifier
from fer_ros.emotions.model_card import ModelError, sha256_of


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
