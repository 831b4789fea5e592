# SPDX-License-Identifier: Apache-2.0
"""LiteRT runs .tflite files."""

import numpy as np

from fer_ros.inference.network import Function, NetworkError, Signature, first_line
from fer_ros.inference.quiet import without_notes
from fer_ros.start import uninterrupted


def open_bytes(data: bytes, threads: int) -> tuple[Signature, Function]:
    """See ``fer_ros.inference.open_network``."""
    try:
        with uninterrupted():  # half imported, it could not be imported again
            from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise NetworkError(
            f"needs LiteRT, which is not installed ({error}); pip install ai-edge-litert, "
            "or take an .onnx file"
        ) from None
    try:
        with without_notes():
            net = Interpreter(model_content=data, num_threads=threads)
            net.allocate_tensors()
        (entry,) = net.get_input_details()
        exits = net.get_output_details()
    except Exception as error:  # LiteRT raises what its C++ and NumPy raise
        raise NetworkError(f"LiteRT cannot load it: {first_line(error)}") from None
    if any(tensor["quantization"][0] for tensor in (entry, *exits)):
        raise NetworkError(
            "input or output is quantised; the graph must take and give plain values"
        )
    numbers = [tensor["index"] for tensor in exits]

    def run(values):
        net.set_tensor(entry["index"], values)
        net.invoke()
        return [net.get_tensor(number) for number in numbers]

    signature = Signature(tuple(entry["shape"].tolist()), np.dtype(entry["dtype"]).name)
    return signature, run
