# SPDX-License-Identifier: Apache-2.0
"""What a model file is worth on one split: one forward pass, no test-time augmentation."""

import time
from pathlib import Path

import numpy as np
from tqdm import tqdm

from fer_ros.classifier import open_backend
from fer_ros.model_card import ModelError, load_card
from fer_training import metrics
from fer_training.dataset import Faces

TIMED = 200  # faces: enough for a steady median, half a second at most


def evaluate(model: Path, faces: Faces, training_keys: np.ndarray | None = None) -> dict:
    """The figures of ``metrics.report``, and ``accuracy_deduplicated`` (faces whose pictures are
    not among ``training_keys``; None without them or such faces) and
    ``ms_per_face`` (one thread, one by one).

    ``model`` is .keras, .tflite or .onnx. Raises ModelError when it cannot be run.
    """
    temperature, input_size = 1.0, 0
    try:
        card = load_card(model)
        temperature, input_size = card.temperature, int(card.input_size)
    except ModelError:
        if model.suffix == ".onnx" or not model.is_file():
            raise  # the ONNX graph leaves the enlargement to its caller: only the card says to what
    logits = predict(model, faces.images, input_size)
    figures = metrics.report(logits, faces.labels, temperature)
    figures["accuracy_deduplicated"] = None
    if training_keys is not None:
        unseen = ~np.isin(faces.keys(), training_keys)
        right = logits.argmax(axis=1) == faces.labels
        figures["n_deduplicated"] = int(unseen.sum())
        if unseen.any():  # of Training itself there is none
            figures["accuracy_deduplicated"] = float(right[unseen].mean())
    figures["ms_per_face"] = milliseconds_per_face(model, faces.images[:TIMED], input_size)
    return figures


def predict(model: Path, images: np.ndarray, input_size: int = 0) -> np.ndarray:
    """Logits, float32 [N, 7], of faces, uint8 [N, 48, 48]; exactly what the run time computes."""
    if model.suffix == ".keras":  # the same numbers as one by one, many times faster
        import keras

        network = keras.saving.load_model(model, compile=False, safe_mode=True)
        return network.predict(images[..., None], batch_size=128, verbose=0)
    backend = open_backend(model, input_size)
    return np.stack([backend.logits(i) for i in tqdm(images, desc=model.name, delay=2)])


def milliseconds_per_face(model: Path, images: np.ndarray, input_size: int = 0) -> float:
    """Median time of one face on one thread, as the run time calls the model."""
    backend = open_backend(model, input_size, threads=1)
    times = []
    for image in images:
        began = time.perf_counter()
        backend.logits(image)
        times.append(time.perf_counter() - began)
    return float(np.median(times) * 1e3)
