# SPDX-License-Identifier: Apache-2.0
"""Keras runs .keras files: one's own, before they are exported."""

from pathlib import Path

import numpy as np

from fer_ros.inference.network import Function, NetworkError, Signature, first_line
from fer_ros.inference.trial import KERAS, as_file, prove, read_file


def open_bytes(data: bytes, threads: int) -> tuple[Signature, Function]:
    """See ``fer_ros.inference.open_network``."""
    model = _load(data)
    shape = tuple(side or 0 for side in model.input_shape[1:])

    def run(values):
        return [np.asarray(model.predict_on_batch(values), np.float32)]

    return Signature((1, *shape), ""), run


def load_model(path: Path):
    """The keras.Model of a .keras file, tried in another process and loaded in safe mode: it cannot
    carry code.

    Raises NetworkError.
    """
    data = read_file(path)
    prove(path, data, "fer_ros.inference:try_network", "keras", [], **KERAS)
    try:
        return _load(data)
    except NetworkError as error:
        raise NetworkError(f"{path}: {error}") from None


def _load(data):
    try:
        import keras
    except ImportError as error:
        raise NetworkError(
            f"Keras is not installed ({error}); pip install tensorflow, "
            "or take a .tflite or .onnx file"
        ) from None
    try:
        with as_file(data, ".keras") as name:
            return keras.saving.load_model(name, compile=False, safe_mode=True)
    except NetworkError:
        raise
    except Exception as error:  # Keras raises what its layers and readers raise
        raise NetworkError(f"Keras cannot load it: {first_line(error)}") from None
