# SPDX-License-Identifier: Apache-2.0
"""Going on from a model that is there already: a .keras file, or the .tflite that is shipped."""

from pathlib import Path

import keras
import numpy as np

FACES = 512  # that the statistics of a shipped model's layers are estimated from
BATCH = 32


def begin_from(model: keras.Model, start: Path, images: np.ndarray) -> None:
    """Give ``model``, of ``model.build_model`` at any input size, the weights of ``start``.

    A .tflite file has its batch normalisations folded into the convolutions; they are unfolded by
    what flows before them for ``images``, uint8 [N, 48, 48], so that training goes on where it
    ended. Raises ModelError when a .tflite file is no such network, whatever Keras raises for a
    .keras file.
    """
    if start.suffix != ".tflite":
        model.load_weights(start)
        return
    from fer_ros.emotions.model_card import load_card
    from fer_training.dequantise import from_litert

    network = from_litert(start, load_card(start).input_size)
    weights = network.get_weights()
    # One channel in the file, three equal ones here: each has a third.
    weights[0] = np.repeat(weights[0] / 3, 3, axis=2)
    model.set_weights(weights)
    unfold(model, some(images))


def some(images: np.ndarray) -> np.ndarray:
    """Up to ``FACES`` of ``images``, from all over them."""
    return images[:: max(1, len(images) // FACES)][:FACES]


def unfold(model: keras.Model, images: np.ndarray) -> None:
    """Let each batch normalisation of ``model``, or of its backbone, have the mean and the spread
    of what comes before it for ``images``, uint8 [N, 48, 48], and undo both in its scale and
    offset.

    What the model answers stays as it is; what it would answer in training is the same then.
    """
    nested = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    backbone = nested[0] if nested else model
    norms = [x for x in backbone.layers if isinstance(x, keras.layers.BatchNormalization)]
    inside = keras.Model(backbone.inputs, [norm.input for norm in norms])
    before = model.layers[: model.layers.index(backbone)] if nested else model.layers[:1]
    entry = keras.Model(model.inputs, before[-1].output)
    sums = [np.zeros((2, norm.gamma.shape[0])) for norm in norms]
    counts = np.zeros(len(norms))
    for begin in range(0, len(images), BATCH):
        batch = entry(images[begin : begin + BATCH, ..., None], training=False)
        for i, values in enumerate(inside(batch, training=False)):
            flat = keras.ops.convert_to_numpy(values).reshape(-1, values.shape[-1])
            sums[i] += flat.sum(axis=0), np.square(flat, dtype=np.float64).sum(axis=0)
            counts[i] += len(flat)
    for norm, (total, squares), count in zip(norms, sums, counts, strict=True):
        scale, offset, old_mean, old_variance = norm.get_weights()
        gain = scale / np.sqrt(old_variance + norm.epsilon)
        mean = total / count
        variance = np.maximum(squares / count - mean**2, 0.0)
        new = gain * np.sqrt(variance + norm.epsilon), offset + gain * (mean - old_mean)
        norm.set_weights([w.astype(np.float32) for w in (*new, mean, variance)])
