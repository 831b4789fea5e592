# SPDX-License-Identifier: Apache-2.0
"""Google's small face networks: one file of each for LiteRT, one for OpenCV's DNN module.

Both take float32 [1, S, S, 3] and give the same float32 outputs; fer_ros/models/README.md has
their source, licence and checksums.
"""

import importlib.util
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

MODELS = Path(__file__).parents[1] / "models"


class NetworkError(RuntimeError):
    """A model file cannot be run; the message is one line."""


class Network:
    """A model file that is run by LiteRT (.tflite) or by OpenCV's DNN module (.onnx).

    Args:
        path: the file; its ending says what runs it.
        threads: for LiteRT; OpenCV takes those of the process.

    Raises:
        NetworkError: no such file, not a network, or LiteRT is missing.
    """

    def __init__(self, path: Path, threads: int = 1):
        if not path.is_file():
            raise NetworkError(f"no file {path}")
        self.path = path
        self._run = _opencv(path) if path.suffix == ".onnx" else _litert(path, threads)

    def side(self, sides: tuple[int, ...], outputs: Mapping[int, tuple[int, ...]]) -> int:
        """The side S, of those in question, at which the outputs have the numbers of values
        wanted: ``outputs[S]``, sorted. NetworkError when there is none.
        """
        for side in sides:
            try:
                given = self(np.zeros((1, side, side, 3), np.float32))
            except (cv2.error, ValueError):  # of another size
                continue
            if tuple(sorted(o.size for o in given)) == outputs[side]:
                return side
        raise NetworkError(f"{self.path} is another network")

    def __call__(self, image: np.ndarray) -> list[np.ndarray]:
        """float32 [1, S, S, 3] -> every output, fewest values first."""
        return sorted(self._run(image), key=lambda output: output.size)


def shipped(name: str) -> Path:
    """The file of a network that comes with fer_ros, in the form that this machine runs best."""
    suffix = ".tflite" if importlib.util.find_spec("ai_edge_litert") else ".onnx"
    return MODELS / f"{name}{suffix}"


def _litert(path: Path, threads: int):
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        raise NetworkError(f"{path} needs LiteRT: pip install ai-edge-litert") from None
    try:
        net = Interpreter(model_path=str(path), num_threads=threads)
        net.allocate_tensors()
        (entry,) = net.get_input_details()
    except (ValueError, RuntimeError):
        raise NetworkError(f"{path} is not a network that LiteRT can run") from None
    exits = [output["index"] for output in net.get_output_details()]

    def run(image):
        net.set_tensor(entry["index"], image)
        net.invoke()
        return [net.get_tensor(index) for index in exits]

    return run


def _opencv(path: Path):
    try:
        net = cv2.dnn.readNetFromONNX(str(path))
    except (cv2.error, SystemError):
        raise NetworkError(f"{path} is not a network that OpenCV can run") from None
    exits = net.getUnconnectedOutLayersNames()

    def run(image):
        net.setInput(image)
        return net.forward(exits)

    return run
