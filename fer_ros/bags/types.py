# SPDX-License-Identifier: Apache-2.0
"""Message types for reading and writing bags where no ROS is: Jazzy's, and those of fer_ros."""

from functools import lru_cache
from pathlib import Path

from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from fer_ros.emotion_message import EMOTION_ARRAY, emotion_array
from fer_ros.result import Result

_FOREVER = QosTime(9223372036, 854775807)  # how rmw writes "no limit"


@lru_cache(maxsize=1)
def type_store() -> Typestore:
    """The types of ROS 2 Jazzy's common packages and every message of fer_ros."""
    store = get_typestore(Stores.ROS2_JAZZY)
    types = {}
    for file in sorted(_message_folder().glob("*.msg")):
        types.update(get_types_from_msg(file.read_text("utf-8"), f"fer_ros/msg/{file.stem}"))
    store.register(types)
    return store


def _message_folder() -> Path:
    """``msg/`` of the source tree, or of the installed package's share folder."""
    for folder in Path(__file__).resolve().parents:
        for candidate in (folder / "msg", folder / "share" / "fer_ros" / "msg"):
            if (candidate / "EmotionArray.msg").is_file():
                return candidate
    raise FileNotFoundError("fer_ros is not installed as a whole: share/fer_ros/msg is absent")


def qos(reliable: bool = True, depth: int = 10, transient_local: bool = False) -> Qos:
    """The quality of service with which a topic was, or is to be, published."""
    return Qos(
        QosHistory.KEEP_LAST,
        depth,
        QosReliability.RELIABLE if reliable else QosReliability.BEST_EFFORT,
        QosDurability.TRANSIENT_LOCAL if transient_local else QosDurability.VOLATILE,
        _FOREVER,
        _FOREVER,
        QosLiveliness.AUTOMATIC,
        _FOREVER,
        False,
    )


def emotion_array_cdr(header, result: Result) -> bytes:
    """``fer_ros/msg/EmotionArray`` as little-endian CDR; ``header``: one of ``type_store``."""
    store = type_store()
    message = emotion_array(store.types, header, result)
    return bytes(store.serialize_cdr(message, EMOTION_ARRAY, little_endian=True))
