# SPDX-License-Identifier: Apache-2.0
"""What is sent to the page, as plain values: results, events, health, parameters. Without ROS.

Works on any object with the fields of the message. What is not known is null.
"""

import json
import struct

from fer_ros.emotions.classes import COLOURS, EMOTIONS
from fer_ros.faces.quality import Flag
from fer_ros.interaction.engagement import LEVELS as ENGAGEMENT
from fer_ros.parameters import EMOTION_NODE, Parameter
from fer_ros.result import face_to_dict, plain
from fer_ros.stamp_clock import seconds_of

FLAGS = tuple(str(flag.name).lower() for flag in Flag)
"""The bits of FaceEmotion's ``quality_flags``, the lowest first."""
MAX_TEXT = 300  # characters of a name or a label; more is no such thing
MAX_PROBLEMS = 50
MAX_FACES = 100
DIGITS = 4  # more of a number the page does not show
DIAGNOSTIC_LEVELS = ("ok", "warn", "error", "stale")
"""Those of diagnostic_msgs/DiagnosticStatus."""
LIVE = tuple(row for row in EMOTION_NODE if row.live and not row.read_only)
"""The parameters of emotion_node that the page may change."""


def frame(head: dict, picture: bytes = b"") -> bytes:
    """What is sent for one image: the length of the head, little-endian uint32; the head, JSON in
    UTF-8; the picture's file.
    """
    text = as_json(head).encode()
    return b"".join((struct.pack("<I", len(text)), text, picture))


def as_json(values: object) -> str:
    """JSON without spaces. Raises ValueError for NaN, which JSON does not know."""
    return json.dumps(values, allow_nan=False, separators=(",", ":"))


def result(message) -> dict:
    """A fer_ros/msg/EmotionArray."""
    return {
        "stamp": seconds_of(message.header.stamp),
        "width": message.image_width,
        "height": message.image_height,
        "model": message.model[:MAX_TEXT],
        "faces": [_face(face) for face in message.faces[:MAX_FACES]],
    }


def event(message) -> dict:
    """A fer_ros/msg/EmotionEvent."""
    return {
        "stamp": seconds_of(message.header.stamp),
        "id": message.track_id,
        "from": message.from_label[:MAX_TEXT],
        "to": message.to_label[:MAX_TEXT],
        "confidence": plain(message.confidence, DIGITS),
        "duration": plain(message.duration, DIGITS),
        "facing": message.facing,
        "relative": message.relative,
    }


def health(status) -> dict:
    """A diagnostic_msgs/DiagnosticStatus: each problem with what to do about it."""
    level = ord(status.level or b"\3")
    return {
        "level": DIAGNOSTIC_LEVELS[min(level, len(DIAGNOSTIC_LEVELS) - 1)],
        "problems": [p[:MAX_TEXT] for p in status.message.split("; ", MAX_PROBLEMS)],
        "values": {v.key[:MAX_TEXT]: v.value[:MAX_TEXT] for v in status.values[:MAX_PROBLEMS]},
    }


def hello(allow_changes: bool) -> dict:
    """What does not change while the server runs."""
    return {
        "emotions": EMOTIONS,
        "colours": {name: f"rgb({r} {g} {b})" for name, (r, g, b) in COLOURS.items()},
        "parameters": [_parameter(row) for row in LIVE] if allow_changes else [],
    }


def _face(face):
    bits, engagement = face.quality_flags, face.engagement
    fields = face_to_dict(face, DIGITS)
    return fields | {
        "label": face.label[:MAX_TEXT],
        "facing": None if fields["yaw"] is None else face.facing,
        "flags": [name for bit, name in enumerate(FLAGS) if bits >> bit & 1],
        "engagement": ENGAGEMENT[engagement] if 0 < engagement < len(ENGAGEMENT) else None,
    }


def _parameter(row: Parameter):
    return {
        "name": row.name,
        "kind": type(row.default).__name__,
        "default": row.default,
        "description": row.described,
        "range": row.range,
        "choices": row.choices,
    }
