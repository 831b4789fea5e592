# SPDX-License-Identifier: Apache-2.0
"""What a model file is worth on one split: one forward pass, no test-time augmentation."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from tqdm import tqdm

from fer_ros.emotions.classifier import load_keras, open_backend
from fer_ros.emotions.model_card import NoCardError, load_card
from fer_training import metrics
from fer_training.dataset import Faces, majority
from fer_training.groups import by_group

TIMED = 200  # faces: enough for a steady median, half a second at most


def evaluate(
    model: Path,
    faces: Faces,
    training_keys: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> dict:
    """The figures of ``metrics.report``, their ``intervals``, and ``accuracy_deduplicated`` (faces
    whose pictures are not among ``training_keys``; None without them or such faces),
    ``accuracy_ferplus`` (against the majority of FER+'s annotators, where that is one of the seven;
    None without votes) and ``ms_per_face`` (one thread, one by one).

    Of a data set that lacks some of the seven, those are no answers either. With ``groups``, str
    [N], the figures of ``groups.by_group`` are there too. ``model`` is .keras, .tflite or .onnx.
    Raises ModelError when it cannot be run.
    """
    temperature, input_size = settings(model)
    logits = among_its_classes(predict(model, faces.images, input_size), faces.labels)
    figures = judge(logits, faces, temperature, training_keys)
    figures["intervals"] = metrics.intervals(figures["confusion"])
    if groups is not None:
        figures |= by_group(logits, faces, groups, temperature)
    figures["ms_per_face"] = milliseconds_per_face(model, faces.images[:TIMED], input_size)
    return figures


def among_its_classes(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """``logits``, float [N, 7], but minus infinity for what none of ``labels`` is."""
    there = np.bincount(labels, minlength=logits.shape[1]) > 0
    return np.where(there, logits, -np.inf)


def settings(model: Path) -> tuple[float, int]:
    """Temperature and input size by the model's card; 1 and 0 for a model without. Raises
    ModelError when the card is wrong or another's, and without one for ONNX, whose graph leaves
    the enlargement to its caller.
    """
    try:
        card = load_card(model)
    except NoCardError:
        if model.suffix == ".onnx":
            raise
        return 1.0, 0
    return card.temperature, card.input_size


def judge(
    logits: np.ndarray, faces: Faces, temperature: float, training_keys: np.ndarray | None
) -> dict:
    """``evaluate`` for logits, float [N, 7], that are there already; without the time."""
    figures = metrics.report(logits, faces.labels, temperature)
    figures |= {"accuracy_deduplicated": None, "accuracy_ferplus": None}
    predicted = logits.argmax(axis=1)
    if training_keys is not None:
        unseen = ~np.isin(faces.keys(), training_keys)
        right = predicted == faces.labels
        figures["n_deduplicated"] = int(unseen.sum())
        if unseen.any():  # of Training itself there is none
            figures["accuracy_deduplicated"] = float(right[unseen].mean())
    if faces.votes is not None:
        label, sure = majority(faces.votes)
        if sure.any():
            figures["accuracy_ferplus"] = float((predicted == label)[sure].mean())
    return figures


def predict(model: Path, images: np.ndarray, input_size: int = 0) -> np.ndarray:
    """Logits, float32 [N, 7], of faces, uint8 [N, 48, 48]; exactly what the run time computes."""
    return opened(model, input_size)(images)


def opened(
    model: Path, input_size: int = 0, *, progress: bool = True
) -> Callable[[np.ndarray], np.ndarray]:
    """``predict`` of a model that stays open, for one set of faces after the other."""
    if model.suffix == ".keras":  # the same numbers as one by one, many times faster
        network = load_keras(model)
        return lambda images: network.predict(images[..., None], batch_size=128, verbose=0)
    backend = open_backend(model, input_size)

    def answer(images):
        faces = tqdm(images, desc=model.name, delay=2, disable=not progress)
        return np.stack([backend.logits(i) for i in faces])

    return answer


def milliseconds_per_face(model: Path, images: np.ndarray, input_size: int = 0) -> float:
    """Median time of one face on one thread, as the run time calls the model."""
    backend = open_backend(model, input_size, threads=1)
    times = []
    for image in images:
        began = time.perf_counter()
        backend.logits(image)
        times.append(time.perf_counter() - began)
    return float(np.median(times) * 1e3)
