# SPDX-License-Identifier: Apache-2.0
"""Keras runs .keras files: one's own, before they are exported."""

from pathlib import Path

import numpy as np

from fer_ros.inference.network import Network, NetworkError, Signature, first_line


def open_file(path: Path, threads: int) -> Network:
    """See ``fer_ros.inference.open_network``."""
    model = load_model(path)
    shape = tuple(side or 0 for side in model.input_shape[1:])

    def run(values):
        return [np.asarray(model.predict_on_batch(values), np.float32)]

    return Network(path, "keras", Signature((1, *shape), ""), run)


def load_model(path: Path):
    """The keras.Model of a .keras file, loaded in safe mode: it cannot carry code.

    Raises NetworkError.
    """
    try:
        import keras
    except ImportError as error:
        raise NetworkError(
            f"{path}: Keras is not installed ({error}); pip install tensorflow, "
            "or take a .tflite or .onnx file"
        ) from None
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises what its layers and readers raise
        raise NetworkError(f"{path}: Keras cannot load it: {first_line(error)}") from None
