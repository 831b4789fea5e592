# SPDX-License-Identifier: Apache-2.0
"""Facial expression recognition: from an image to the apparent expression of each face in it.

    reader = fer_ros.FaceReader()
    result = reader.read("photo.jpg")
    print(result, result.to_records())

The modules of this package are plain Python; only those of ``fer_ros.nodes`` import ROS.
``fer_ros.msg`` holds the message classes, which the build generates.
"""

from importlib import import_module
from pkgutil import extend_path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fer_ros.emotions.classes import EMOTIONS as EMOTIONS
    from fer_ros.reader import FaceReader as FaceReader
    from fer_ros.reader import draw as draw
    from fer_ros.result import FaceEmotion as FaceEmotion
    from fer_ros.result import Result as Result

__version__ = "1.0.0"

# The generated fer_ros.msg lies in the installed package. This line lets the source tree, when it
# comes first on the path, find it there.
__path__ = extend_path(__path__, __name__)

_HOMES = {
    "EMOTIONS": "emotions.classes",
    "FaceEmotion": "result",
    "FaceReader": "reader",
    "Result": "result",
    "draw": "reader",
}
__all__ = [*_HOMES, "__version__"]  # noqa: PLE0604 - all are texts


def __getattr__(name: str):
    """Load what is exported when it is asked for: the messages' users need neither OpenCV nor a
    network.
    """
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
