# SPDX-License-Identifier: Apache-2.0
"""OpenCV's DNN module runs .onnx files, on all threads of the process."""

from pathlib import Path

import cv2

from fer_ros.inference.network import Network, NetworkError, Signature, first_line
from fer_ros.inference.onnx_input import declared_input


def open_file(path: Path, threads: int) -> Network:
    """See ``fer_ros.inference.open_network``."""
    try:
        net = cv2.dnn.readNetFromONNX(str(path))
    except (cv2.error, SystemError) as error:
        raise NetworkError(f"{path}: OpenCV cannot load it: {first_line(error)}") from None
    try:
        shape = declared_input(path)  # OpenCV itself would run many a graph at another size
    except ValueError as error:
        raise NetworkError(str(error)) from None
    exits = net.getUnconnectedOutLayersNames()

    def run(values):
        net.setInput(values)
        return list(net.forward(exits))

    return Network(path, "opencv", Signature(shape), run)
