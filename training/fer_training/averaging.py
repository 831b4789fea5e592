# SPDX-License-Identifier: Apache-2.0
"""Batch statistics for weights that no batch was trained with, as an average of weights is."""

import keras

BATCHES = 100
"""That the statistics are the mean of: 6,400 faces in batches of 64."""


def estimate_statistics(model: keras.Model, batches) -> None:
    """Give each batch normalisation the mean and variance, over ``batches``' pictures, of what the
    model's present weights bring before it. Its own follow the weights of the last steps.
    """
    layers = list(_flat(model))
    normalisations = [x for x in layers if isinstance(x, keras.layers.BatchNormalization)]
    dropouts = [x for x in layers if isinstance(x, keras.layers.Dropout)]
    momenta = [layer.momentum for layer in normalisations]
    rates = [layer.rate for layer in dropouts]
    for layer in dropouts:
        layer.rate = 0.0
    for number in range(min(BATCHES, len(batches))):
        for layer in normalisations:
            layer.momentum = number / (number + 1)  # the mean of all so far
        model(keras.ops.convert_to_tensor(batches[number][0]), training=True)
    for layer, momentum in zip(normalisations, momenta, strict=True):
        layer.momentum = momentum
    for layer, rate in zip(dropouts, rates, strict=True):
        layer.rate = rate


def _flat(model):
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _flat(layer)
        else:
            yield layer
