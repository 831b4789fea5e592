# SPDX-License-Identifier: Apache-2.0
"""OpenCV's DNN module runs .onnx files, on all threads of the process."""

import cv2
import numpy as np

from fer_ros.inference.network import Function, NetworkError, Signature, first_line
from fer_ros.inference.onnx_input import declared_input


def open_bytes(data: bytes, threads: int) -> tuple[Signature, Function]:
    """See ``fer_ros.inference.open_network``."""
    try:
        net = cv2.dnn.readNetFromONNX(np.frombuffer(data, np.uint8))
    except (cv2.error, SystemError) as error:
        raise NetworkError(f"OpenCV cannot load it: {first_line(error)}") from None
    try:
        shape = declared_input(data)  # OpenCV itself would run many a graph at another size
    except ValueError as error:
        raise NetworkError(str(error)) from None
    exits = net.getUnconnectedOutLayersNames()

    def run(values):
        net.setInput(values)
        return list(net.forward(exits))

    return Signature(shape), run
