# SPDX-License-Identifier: Apache-2.0
"""What the mean answer of several models is worth, beside each of them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fer_ros.emotions.classes import EMOTIONS
from fer_ros.emotions.classifier import softmax
from fer_training.dataset import Faces
from fer_training.evaluate import judge, opened, settings
from fer_training.metrics import intervals

MEAN = "mean of all"


def ensemble(
    models: Sequence[Path],
    faces: Faces,
    *,
    mirrored: bool = False,
    training_keys: np.ndarray | None = None,
) -> dict:
    """Figures of ``evaluate.judge`` by model and, as ``MEAN``, of the mean of their probabilities;
    with ``metrics.intervals`` of each under ``intervals``.

    ``mirrored`` asks each model for the mirrored face too and takes the mean. Models are .keras,
    .tflite or .onnx. Raises ModelError when one cannot be run.
    """
    answers = {str(model): _probabilities(model, faces.images, mirrored) for model in models}
    if len(models) > 1:
        answers[MEAN] = np.mean(list(answers.values()), axis=0)
    found = {}
    for name, probabilities in answers.items():
        logits = np.log(np.maximum(probabilities, 1e-9))
        figures = judge(logits, faces, 1.0, training_keys)
        found[name] = figures | {"intervals": intervals(figures["confusion"])}
    return found


def _probabilities(model, images, mirrored):
    """float32 [N, 7] of faces, uint8 [N, 48, 48]; as calibrated as the model's card makes them."""
    temperature, input_size = settings(model)
    views = (images, images[:, :, ::-1].copy()) if mirrored else (images,)
    answer = opened(model, input_size)
    return np.mean([softmax(answer(view) / temperature) for view in views], axis=0)


def render(found: dict) -> str:
    """A table for a terminal: a line a model, the mean last."""
    names = _short(found)
    width = max(len(name) for name in names)
    lines = [
        f"{'':{width}}  accuracy (95 % between)    dedup.    FER+  macro-F1     ECE   recall of "
        + " ".join(f"{name[:5]:>5}" for name in EMOTIONS)
    ]
    for name, figures in zip(names, found.values(), strict=True):
        low, high = figures["intervals"]["accuracy"]
        recall = " ".join(f"{c['recall']:5.2f}" for c in figures["per_class"].values())
        lines.append(
            f"{name:{width}}  {figures['accuracy']:7.2%} ({low:.2%} to {high:.2%})"
            f" {_share(figures['accuracy_deduplicated'])} {_share(figures['accuracy_ferplus'])}"
            f" {figures['macro_f1']:9.4f} {figures['ece']:7.4f} {'':12}{recall}"
        )
    return "\n".join(lines)


def _short(names) -> list[str]:
    """File names, with their folders where these alone tell them apart."""
    files = [Path(name).name for name in names]
    return [f if files.count(f) == 1 else n for f, n in zip(files, names, strict=True)]


def _share(value) -> str:
    return f"{'-':>7}" if value is None else f"{value:7.2%}"
