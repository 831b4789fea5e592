# SPDX-License-Identifier: Apache-2.0
"""The one room that runs networks: a model file in, float32 arrays out.

LiteRT runs .tflite; ONNX Runtime, where it can be imported, runs .onnx, else OpenCV's DNN module
does; Keras runs .keras. Each is imported when a file of its kind is opened. Files that do not come
with fer_ros are tried in another process first: ``trial``.
"""

import importlib
import importlib.util
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np

from fer_ros.inference.network import Network, NetworkError, Signature, first_line
from fer_ros.inference.trial import KERAS, prove, read_file

Input = tuple[tuple[int, ...], str]

__all__ = [
    "SUFFIXES",
    "Network",
    "NetworkError",
    "Signature",
    "advice",
    "backend_of",
    "open_network",
    "try_network",
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


def open_network(
    path: Path, threads: int = 1, backend: str = "", inputs: Sequence[Input] = ()
) -> Network:
    """A model file, ready to run.

    Args:
        path: the file; its ending says what it is.
        threads: CPU threads of LiteRT and ONNX Runtime; OpenCV and Keras take the process's.
        backend: one of those of ``backend_of`` that is to run it; empty: the best here.
        inputs: shape and type of what it is to be run on, any of which it may take: a file that
            does not come with fer_ros is tried with these; empty: with what it says itself.

    Raises:
        NetworkError: no such file, not a network, or what runs it is not installed.
    """
    backend = backend or backend_of(path)
    data = read_file(path)
    limits = KERAS if backend == "keras" else {}
    prove(path, data, f"{__name__}:try_network", backend, list(inputs), **limits)
    try:
        entry, function = _open(data, backend, threads)
    except NetworkError as error:
        raise NetworkError(f"{path}: {error}") from None
    return Network(path, backend, entry, function, sha256(data).hexdigest())


def try_network(data: bytes, backend: str, inputs: Sequence) -> None:
    """Open a file's bytes and run them on zeros, on the largest of bytes and on noise.

    Raises NetworkError: they cannot be opened or run.
    """
    entry, function = _open(data, backend, 1)
    own = tuple(side or 1 for side in entry.shape), entry.dtype or "float32"
    fitting = [i for i in inputs if len(i[0]) == len(own[0]) and _fits(entry.shape, i[0])]
    network, problem = Network(Path(backend), backend, entry, function), ""
    noise, ran = np.random.default_rng(0), 0
    for shape, kind in fitting or [own]:  # the caller says what is wrong with another
        for values in (np.zeros(shape), np.full(shape, 255), noise.uniform(0, 255, shape)):
            try:
                network(values.astype(kind))
                ran += 1
            except NetworkError as error:
                problem = problem or str(error).partition(": ")[2]
    if not ran:
        raise NetworkError(problem)


def _fits(entry, shape) -> bool:
    return all(side in (0, given) for side, given in zip(entry, shape, strict=True))


def _open(data: bytes, backend: str, threads: int):
    try:
        return importlib.import_module(f".{_MODULES[backend]}", __name__).open_bytes(data, threads)
    except NetworkError:
        raise
    except Exception as error:  # damaged bytes raise what the libraries stumble over
        raise NetworkError(f"cannot be loaded: {first_line(error)}") from None
