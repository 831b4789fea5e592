# SPDX-License-Identifier: Apache-2.0
"""The model files that come with fer_ros; fer_ros/models/README.md has source and licence."""

import importlib.util
from pathlib import Path

MODELS = Path(__file__).parents[1] / "models"

_SUMS = """
c3d5bbed1e03449a0d296963c04733172f8d33c5736bcd9c44f59f5d3153e449  emotion_mobilenet_v2.tflite
442c811712bc16b36c1fc85380a2c3a999ffc3d665e6378be6d28137d97a777a  emotion_mobilenet_v2.onnx
8cbc647f5efe8d967e384718ac444724d2c58f5022fed953be3fb4f11d9a1bd0  emotion_mobilenet_v2_small.tflite
38e361a63e6f2c9975d8314fd57336a0320c7dfbef176741090546d2d08bfbb5  emotion_mobilenet_v2_small.onnx
e376cf6b168d5ece8a3cedb94acc4eb168a136aede125ccc3d903ef38f5beda8  face_detection_back.tflite
585f0a3e759542ab79d8f812b49e17dc9a542b7b0ca4e587e2b02d1421011bb1  face_detection_back.onnx
3bc182eb9f33925d9e58b5c8d59308a760f4adea8f282370e428c51212c26633  face_detection_short_range.tflite
a0a793238b79184796197a1de6659e49f12d0c48402343f6f69c77d4f1570969  face_detection_short_range.onnx
2efcb4f4de43c7614b80a3cc3e8a37354b3b3b40f75cce20f6f38f0f25d65493  face_landmark.tflite
a65047a0af9546675d956ee31eecc9844fcd3782d9142018178b9d937c49c5b7  face_landmark.onnx
"""
SHIPPED = {name: digest for digest, name in map(str.split, _SUMS.strip().splitlines())}
"""The sha256 of each file, by its name."""


def shipped(name: str) -> Path:
    """The file of a network that comes with fer_ros, in the form that this machine runs best."""
    suffix = ".tflite" if importlib.util.find_spec("ai_edge_litert") else ".onnx"
    if f"{name}{suffix}" not in SHIPPED:
        raise LookupError(f"fer_ros ships no network {name}")
    return MODELS / f"{name}{suffix}"
