# SPDX-License-Identifier: Apache-2.0
"""The ONNX form of a model of which the int8 LiteRT file alone is left.

Its weights are taken as they are, 8 bits times a scale; so the network differs from the file by
the rounding of what flows between its layers alone.
"""

import json
from pathlib import Path

import numpy as np

from fer_ros.emotions.classifier import open_backend
from fer_ros.emotions.model_card import ModelError, load_card
from fer_ros.runtime.settings_files import load
from fer_training import calibration
from fer_training.dataset import Faces
from fer_training.evaluate import predict
from fer_training.export import card_entry, one_channel, to_onnx
from fer_training.model import SCALINGS, build_model

_AXES = {"CONV_2D": (1, 2, 3, 0), "DEPTHWISE_CONV_2D": (1, 2, 3, 0), "FULLY_CONNECTED": (1, 0)}
"""Operators with weights, and where Keras has the axes of LiteRT's kernels."""


def add_onnx(model: Path, validation: Faces, training_keys: np.ndarray) -> dict:
    """Write ``<name>.onnx`` beside ``model``, ``<name>.tflite``, and its entry into their card.

    Temperature and figures come from ``validation``, as ``export`` finds them; returns the entry.
    Raises ModelError when the file is no network of ours.
    """
    path, input_size = model.with_suffix(".onnx"), load_card(model).input_size
    path.write_bytes(to_onnx(from_litert(model, input_size), input_size))
    unseen = ~np.isin(validation.keys(), training_keys)
    logits = predict(path, validation.images, input_size)
    card_path = model.with_suffix(".json")
    card = load(card_path, json.loads)
    balanced = card.get("calibration", {}).get("balanced", False)
    judges = calibration.judges(validation, unseen, balanced)
    entry, _ = card_entry(path, logits, validation, judges, training_keys, input_size)
    entry["made_of"] = model.name
    card["files"][path.name] = entry
    card_path.write_text(json.dumps(card, indent=2) + "\n", "utf-8")
    return entry


def from_litert(model: Path, input_size: int):
    """The Keras network of one channel that a .tflite file was made of, uint8 [N, 48, 48, 1] to
    float32 [N, 7]. Raises ModelError when it is another one.
    """
    import keras

    open_backend(model, input_size)  # or the error that says what is wrong with the file
    weights, scaling = _weights(model)
    network = one_channel(build_model(input_size, scaling=scaling))
    (backbone,) = (layer for layer in network.layers if isinstance(layer, keras.Model))
    norms = [x for x in backbone.layers if isinstance(x, keras.layers.BatchNormalization)]
    convolutions = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)
    kernels = [x for x in backbone.layers if isinstance(x, convolutions)]
    dense = [x for x in network.layers if isinstance(x, keras.layers.Dense)]
    try:
        for layer, norm, (kernel, bias) in zip(
            [*kernels, *dense], [*norms, *(None for _ in dense)], weights, strict=True
        ):
            if norm is None:
                layer.set_weights([kernel, bias])
                continue
            layer.set_weights([kernel])
            # Folded into the kernel at conversion: what is left of it is the bias.
            still = np.ones_like(bias)
            norm.set_weights([still, bias, np.zeros_like(bias), still - norm.epsilon])
    except ValueError as error:
        raise ModelError(f"{model}: not a MobileNetV2 of fer_training: {error}") from None
    return network


def _weights(model: Path) -> tuple[list[tuple[np.ndarray, np.ndarray]], str]:
    """Kernel and bias, float32, of each layer that has them, in order; the name of the scaling."""
    from tensorflow.lite.python import schema_py_generated as schema
    from tensorflow.lite.tools import flatbuffer_utils

    names = {v: k for k, v in vars(schema.BuiltinOperator).items()}
    graph = flatbuffer_utils.read_model(str(model))
    (part,) = graph.subgraphs

    def values(index):
        tensor = part.tensors[index]
        kind = {0: np.float32, 1: np.float16, 2: np.int32, 9: np.int8}[tensor.type]
        raw = np.frombuffer(bytes(graph.buffers[tensor.buffer].data), kind)
        plain = raw.reshape(tensor.shape if tensor.shape is not None else ()).astype(np.float32)
        quantised = tensor.quantization
        if quantised is None or quantised.scale is None:
            return plain
        along = [1] * plain.ndim
        if quantised.scale.size > 1:
            along[quantised.quantizedDimension] = -1
        zero = quantised.zeroPoint.reshape(along)
        return ((plain - zero) * quantised.scale.reshape(along)).astype(np.float32)

    found, offset = [], 0.0
    for operator in part.operators:
        code = graph.operatorCodes[operator.opcodeIndex]
        name = names[max(code.builtinCode, code.deprecatedBuiltinCode)]
        if name in _AXES:
            _, kernel, bias = operator.inputs
            found.append((values(kernel).transpose(_AXES[name]), values(bias)))
        elif name == "ADD" and not found:  # before the first layer: of the scaling
            offset = float(values(operator.inputs[1]))
    scaling = min(SCALINGS, key=lambda known: abs(SCALINGS[known][1] - offset))
    return found, scaling
