# SPDX-License-Identifier: Apache-2.0
"""LiteRT runs .tflite files."""

from pathlib import Path

import numpy as np

from fer_ros.inference.network import Network, NetworkError, Signature, first_line


def open_file(path: Path, threads: int) -> Network:
    """See ``fer_ros.inference.open_network``."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise NetworkError(
            f"{path} needs LiteRT, which is not installed ({error}); pip install ai-edge-litert, "
            "or take an .onnx file"
        ) from None
    try:
        net = Interpreter(model_path=str(path), num_threads=threads)
        net.allocate_tensors()
        (entry,) = net.get_input_details()
    except (ValueError, RuntimeError) as error:
        raise NetworkError(f"{path}: LiteRT cannot load it: {first_line(error)}") from None
    exits = net.get_output_details()
    if any(tensor["quantization"][0] for tensor in (entry, *exits)):
        raise NetworkError(
            f"{path}: input or output is quantised; the graph must take and give plain values"
        )
    numbers = [tensor["index"] for tensor in exits]

    def run(values):
        net.set_tensor(entry["index"], values)
        net.invoke()
        return [net.get_tensor(number) for number in numbers]

    signature = Signature(tuple(entry["shape"].tolist()), np.dtype(entry["dtype"]).name)
    return Network(path, "litert", signature, run)
