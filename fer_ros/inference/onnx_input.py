# SPDX-License-Identifier: Apache-2.0
"""What an ONNX file says its input is, which OpenCV reads and does not tell.

ONNX files are Protocol Buffers (https://protobuf.dev/programming-guides/encoding/); the numbers of
the fields are those of onnx.proto3 (https://onnx.ai). Two dozen lines of it spare the package onnx.
"""

from collections.abc import Iterator
from typing import Any

_GRAPH, _INITIALIZER, _INPUT = 7, 5, 11  # ModelProto.graph, GraphProto.initializer, .input
_TENSOR_NAME, _NAME = 8, 1  # TensorProto.name, ValueInfoProto.name
_TO_DIMENSIONS = (2, 1, 2, 1)  # ValueInfoProto.type, .tensor_type, .shape, .dim
_SIZE = 1  # Dimension.dim_value


def declared_input(data: bytes) -> tuple[int, ...]:
    """The shape of the one input, 0 where a side is left open.

    Raises ValueError for a file that is torn, or whose inputs are not one.
    """
    try:
        (graph,) = _all(memoryview(data), _GRAPH)
        weights = {bytes(*_all(t, _TENSOR_NAME)) for t in _all(graph, _INITIALIZER)}
        # Up to version 3 of the format, weights are listed among the inputs.
        inputs = [v for v in _all(graph, _INPUT) if bytes(*_all(v, _NAME)) not in weights]
        (parts,) = ([value] for value in inputs)
        for number in _TO_DIMENSIONS:
            parts = [inner for part in parts for inner in _all(part, number)]
        return tuple(next(_all(part, _SIZE), 0) for part in parts)
    except (IndexError, TypeError, ValueError) as error:
        raise ValueError(f"not an ONNX file with one input: {error}") from None


def _all(message: memoryview, number: int) -> Iterator[Any]:
    """The values of each field of that number: whole numbers, or the bytes of what is within."""
    place = 0
    while place < len(message):
        value: Any
        key, place = _varint(message, place)
        kind = key & 7
        if kind == 0:
            value, place = _varint(message, place)
        else:
            length = {1: 8, 5: 4}.get(kind)
            if length is None:
                length, place = _varint(message, place)
            value, place = message[place : place + length], place + length
        if place > len(message) or kind not in (0, 1, 2, 5):
            raise IndexError("torn")
        if key >> 3 == number:
            yield value


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and the place after it."""
    value = 0
    for shift in range(0, 64, 7):
        byte = message[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
    raise IndexError("a number of more than 64 bits")
