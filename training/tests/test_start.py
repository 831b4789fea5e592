# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import keras
import numpy as np
import pytest
from conftest import TINY, make_faces
from fer_training.evaluate import predict
from fer_training.model import build_model
from fer_training.start import begin_from
from fer_training.train import train

from fer_ros.emotions.classifier import softmax
from fer_ros.emotions.model_card import ModelError
from fer_ros.inference.shipped import MODELS

SHIPPED = MODELS / "emotion_mobilenet_v2_small.tflite"


@pytest.fixture(scope="module")
def started():
    model = build_model(64, scaling="imagenet", batch_norm_momentum=0.99)
    begin_from(model, SHIPPED, make_faces(140, "Training", seed=1).images)
    return model


def test_what_ships_goes_on_with_its_answers(started):
    faces = make_faces(42, "Training", seed=4).images
    ours = softmax(started.predict(faces[..., None], verbose=0))
    shipped = softmax(predict(SHIPPED, faces))
    assert np.abs(ours - shipped).mean() < 0.02  # the rounding of its int8 activations


def test_it_answers_in_training_as_it_does_otherwise(started):
    faces = make_faces(140, "Training", seed=1).images[..., None]
    resting = softmax(np.asarray(started(faces)))
    training = softmax(np.asarray(started(faces, training=True)))
    assert np.abs(resting - training).mean() < 0.05


def test_training_goes_on_from_it_at_another_size(tmp_path, training, validation):
    recipe = replace(TINY, input_size=48, scaling="imagenet", epochs=1, learning_rate=1e-6)
    train(recipe, training, validation, tmp_path, start=SHIPPED)
    model = keras.saving.load_model(tmp_path / "last.keras")
    ours, shipped = model.layers[-1].get_weights()[0], build_model(48).layers[-1].get_weights()[0]
    assert np.abs(ours).std() != pytest.approx(np.abs(shipped).std(), rel=0.01)


def test_what_is_no_model_is_named(tmp_path, training, validation):
    other = tmp_path / "other.tflite"
    other.write_bytes(b"TFL3 torn")
    with pytest.raises(ModelError, match=r"other\.tflite"):
        train(TINY, training, validation, tmp_path / "run", start=other)
