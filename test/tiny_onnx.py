# SPDX-License-Identifier: Apache-2.0
"""A network of another family, small enough to be written by hand: the mean colour of a picture,
then one dense layer. As ONNX (https://onnx.ai), whose files are Protocol Buffers.
"""

import numpy as np


def colour_network(size: int, weights: np.ndarray, bias: np.ndarray) -> bytes:
    """ONNX: float32 [1, 3, size, size] -> global average -> [1, 3] @ ``weights`` + ``bias``."""
    nodes = (
        _node("GlobalAveragePool", ["face"], "mean"),
        _node("Conv", ["mean", "weights", "bias"], "dense", kernel_shape=(1, 1)),
        _node("Flatten", ["dense"], "logits"),
    )
    graph = b"".join(_field(1, node) for node in nodes) + _field(2, b"colours")
    graph += _field(5, _tensor("weights", weights.T[..., None, None])) + _field(
        5, _tensor("bias", bias)
    )
    graph += _field(11, _value("face", (1, 3, size, size)))
    graph += _field(12, _value("logits", (1, len(bias))))
    return _field(1, 4) + _field(7, graph) + _field(8, _field(1, b"") + _field(2, 9))


def _varint(number: int) -> bytes:
    low, rest = number & 127, number >> 7
    return bytes([low | 128]) + _varint(rest) if rest else bytes([low])


def _field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _node(kind: str, inputs: list[str], output: str, **attributes: tuple[int, ...]) -> bytes:
    node = b"".join(_field(1, name.encode()) for name in inputs)
    node += _field(2, output.encode()) + _field(3, output.encode()) + _field(4, kind.encode())
    for name, values in attributes.items():
        integers = b"".join(_field(8, value) for value in values)
        node += _field(5, _field(1, name.encode()) + integers + _field(20, 7))
    return node


def _tensor(name: str, values: np.ndarray) -> bytes:
    sides = b"".join(_field(1, side) for side in values.shape)
    data = values.astype("<f4").tobytes()
    return sides + _field(2, 1) + _field(8, name.encode()) + _field(9, data)


def _value(name: str, shape: tuple[int, ...]) -> bytes:
    sides = b"".join(_field(1, _field(1, side) if side else b"") for side in shape)
    return _field(1, name.encode()) + _field(2, _field(1, _field(1, 1) + _field(2, sides)))
