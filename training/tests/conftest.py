# SPDX-License-Identifier: Apache-2.0
"""A tiny data set of drawn faces, and a model trained on it for a moment."""

import os
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import cv2
import numpy as np
import pytest
from fer_training.dataset import Faces
from fer_training.recipe import Recipe

sys.path.append(str(Path(__file__).parents[2] / "test"))
from skips import SkipGate

TINY = Recipe("tiny", input_size=32, pretrained=False, epochs=2, batch_size=16, dropout=0.2)
LIGHT = replace(TINY, name="light", network="vgg")
"""Of few layers, for what holds for any network: MobileNetV2's graph takes twenty seconds a run."""


def pytest_configure(config):
    """Let nothing be skipped unseen."""
    config.pluginmanager.register(SkipGate())


def draw_face(emotion: int, random: np.random.Generator) -> np.ndarray:
    """A face of circles and lines whose mouth tells the class, uint8 [48, 48]."""
    image = np.full((48, 48), random.integers(90, 160), np.uint8)
    x, y = (24 + int(v) for v in random.integers(-3, 4, 2))
    for side in (-8, 8):
        cv2.circle(image, (x + side, y - 6), 2 + (emotion == 5), 255, -1)
    mouth = (x, y + 10)
    cv2.ellipse(image, mouth, (9, 2 + emotion), 0, 0, 180 if emotion % 2 else 360, 20, 2)
    return cv2.add(image, random.integers(0, 9, image.shape, np.uint8))


def make_faces(count: int, usage: str, seed: int = 0) -> Faces:
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 7
    images = np.stack([draw_face(int(label), random) for label in labels])
    return Faces(images, labels.astype(np.int64), np.full(count, usage))


def write_csv(path, *splits: Faces):
    lines = ["emotion,pixels,Usage"]
    for faces in splits:
        for image, label, usage in zip(faces.images, faces.labels, faces.usage, strict=True):
            lines.append(f"{label},{' '.join(map(str, image.ravel()))},{usage}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="session")
def training():
    return make_faces(48, "Training", seed=1)


@pytest.fixture(scope="session")
def validation():
    return make_faces(21, "PublicTest", seed=2)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@contextmanager
def eagerly():
    """No graph is made for a handful of steps: that takes longer than they."""
    tensorflow = pytest.importorskip("tensorflow")
    tensorflow.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tensorflow.config.run_functions_eagerly(False)


@pytest.fixture
def eager():
    with eagerly():
        yield


@pytest.fixture(scope="session")
def run(tmp_path_factory, training, validation):
    """The folder of a finished tiny run."""
    from fer_training.train import train

    out = tmp_path_factory.mktemp("run")
    with eagerly():
        train(TINY, training, validation, out)
    return out


@pytest.fixture(scope="session")
def exported(run, training, validation, tmp_path_factory):
    """The folder of what ``export`` made of that run, and the card it returned."""
    from fer_training.export import export

    out = tmp_path_factory.mktemp("export")
    leaky = Faces(  # one row of Training stands in the validation split too, as in FER-2013
        np.concatenate((validation.images, training.images[:1])),
        np.concatenate((validation.labels, training.labels[:1])),
        np.full(len(validation) + 1, "PublicTest"),
    )
    card = export(run / "last.keras", training, leaky, out, "tiny")
    return out, card


def written(tensor: np.ndarray) -> bytes:
    """A tensor as dlib writes it: version, four dimensions, numbers."""
    size = tensor.size.to_bytes(4, "little").rstrip(b"\0")
    head = b"\x01\x02" + bytes([len(size)]) + size + 3 * b"\x01\x01"
    return b"con_4..." + head + tensor.astype("<f4").tobytes()


@pytest.fixture(scope="session")
def dlib(tmp_path_factory):
    """A file of dlib's form with random numbers, and those of its first layer."""
    import keras
    from fer_training import face_network

    random, content, first = np.random.default_rng(0), b"", None
    for layer in face_network.face_resnet(0.0).layers:
        if isinstance(layer, keras.layers.Conv2D):
            height, width, inputs, filters = layer.kernel.shape
            shape = (filters, inputs if first is not None else 3, height, width)
            kernels = random.normal(0, (2 / np.prod(shape[1:])) ** 0.5, shape)
            bias = random.normal(0, 0.1, filters)
            affine = np.concatenate([random.uniform(0.5, 1, filters), bias[::-1]])
            content += written(np.concatenate([kernels.ravel(), bias])) + written(affine)
            first = (kernels, bias, affine) if first is None else first
    path = tmp_path_factory.mktemp("dlib") / "dlib.dat"
    path.write_bytes(content)
    return path, first
