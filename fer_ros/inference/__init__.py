# SPDX-License-Identifier: Apache-2.0
"""The one room that runs networks: a model file in, float32 arrays out.

LiteRT runs .tflite; ONNX Runtime, where it can be imported, runs .onnx, else OpenCV's DNN module
does; Keras runs .keras. Each is imported when a file of its kind is opened.
"""

import importlib
import importlib.util
from pathlib import Path

from fer_ros.inference.network import Network, NetworkError, Signature

__all__ = [
    "SUFFIXES",
    "Network",
    "NetworkError",
    "Signature",
    "advice",
    "backend_of",
    "open_network",
]

SUFFIXES = (".tflite", ".onnx", ".keras")
"""Endings of the files that can be run."""

_MODULES = {
    "litert": "litert",
    "onnxruntime": "onnx_runtime",
    "opencv": "opencv_dnn",
    "keras": "keras_model",
}


def backend_of(path: Path) -> str:
    """What runs a file on this machine, by the file's ending: ``litert``, ``onnxruntime``,
    ``opencv`` or ``keras``.

    Raises NetworkError for another ending.
    """
    if path.suffix == ".onnx":
        return "onnxruntime" if importlib.util.find_spec("onnxruntime") else "opencv"
    if path.suffix not in SUFFIXES:
        raise NetworkError(f"{path}: expected a file ending in {', '.join(SUFFIXES)}")
    return "litert" if path.suffix == ".tflite" else "keras"


def advice(backend: str) -> str:
    """What to say of a backend that another would outdo here; empty where none would."""
    faster = "LiteRT or ONNX Runtime would be two to four times as fast: docs/install.md"
    return faster if backend == "opencv" else ""


def open_network(path: Path, threads: int = 1, backend: str = "") -> Network:
    """A model file, ready to run.

    Args:
        path: the file; its ending says what it is.
        threads: CPU threads of LiteRT and ONNX Runtime; OpenCV and Keras take the process's.
        backend: one of those of ``backend_of`` that is to run it; empty: the best here.

    Raises:
        NetworkError: no such file, not a network, or what runs it is not installed.
    """
    backend = backend or backend_of(path)
    if not path.is_file():
        raise NetworkError(f"no file {path}")
    return importlib.import_module(f".{_MODULES[backend]}", __name__).open_file(path, threads)
