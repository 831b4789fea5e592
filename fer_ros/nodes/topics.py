# SPDX-License-Identifier: Apache-2.0
"""Each node's topics and services, as docs/topics.md has them.

``python -m fer_ros.nodes.topics`` prints the tables; tests hold them to the page and to the nodes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

LISTENED = "only while someone listens"


@dataclass(frozen=True)
class Topic:
    """One topic. ``kind``: package/Message. ``needs``: the parameters, by name and value, with
    which it is there. ``ID`` in a name stands for a face's.
    """

    name: str
    kind: str
    depth: int
    description: str
    reliability: str = "reliable"
    is_input: bool = False
    needs: tuple[tuple[str, bool | str], ...] = ()


@dataclass(frozen=True)
class Service:
    """One service. ``kind``: package/Service."""

    name: str
    kind: str
    description: str


RAW = (("image_transport", "raw"),)
COMPRESSED = (("image_transport", "compressed"),)
ROS4HRI = (("ros4hri", True),)
FACE = "humans/faces/ID"

EMOTION_NODE = (
    Topic("image_raw", "sensor_msgs/Image", 1, "The camera.", "`image_reliability`", True, RAW),
    Topic(
        "image_raw/compressed",
        "sensor_msgs/CompressedImage",
        1,
        "The camera, JPEG or PNG.",
        "`image_reliability`",
        True,
        COMPRESSED,
    ),
    Topic(
        "camera_info",
        "sensor_msgs/CameraInfo",
        1,
        "Beside the image topic; for the markers.",
        "best effort",
        True,
    ),
    Topic("emotions", "fer_ros/EmotionArray", 10, "Once for each image, empty without a face."),
    Topic(
        "emotion_events",
        "fer_ros/EmotionEvent",
        10,
        "Once for each change of expression that has held for `event_hold`.",
    ),
    Topic("image_annotated", "sensor_msgs/Image", 1, f"Faces drawn in; {LISTENED}."),
    Topic(
        "image_annotated/compressed",
        "sensor_msgs/CompressedImage",
        1,
        f"The same as JPEG; {LISTENED}.",
    ),
    Topic(
        "emotion_markers",
        "visualization_msgs/MarkerArray",
        1,
        f"Box and label in space; {LISTENED} and the camera is calibrated.",
    ),
    Topic(
        "status_marker",
        "visualization_msgs/Marker",
        1,
        f"The diagnostics as text for RViz; {LISTENED}.",
    ),
    Topic(
        "/diagnostics",
        "diagnostic_msgs/DiagnosticArray",
        10,
        "Health, each `diagnostics_period`, while inactive too.",
    ),
    Topic(
        "/tf",
        "tf2_msgs/TFMessage",
        100,
        "`face_ID` in the frame of the image, when the camera is calibrated.",
        needs=(("face_frames", True),),
    ),
    Topic(
        "detections",
        "vision_msgs/Detection2DArray",
        10,
        "Each face with the seven probabilities as hypotheses.",
        needs=(("detections", True),),
    ),
    Topic(
        "humans/faces/tracked",
        "hri_msgs/IdsList",
        10,
        "REP 155: the faces followed now.",
        needs=ROS4HRI,
    ),
    Topic(
        f"{FACE}/roi",
        "hri_msgs/NormalizedRegionOfInterest2D",
        10,
        "REP 155: the box, 0 to 1.",
        needs=ROS4HRI,
    ),
    Topic(
        f"{FACE}/cropped",
        "sensor_msgs/Image",
        1,
        f"REP 155: the face, 128x128; {LISTENED}.",
        needs=ROS4HRI,
    ),
    Topic(
        f"{FACE}/expression",
        "hri_msgs/Expression",
        10,
        "REP 155: the expression, unless `uncertain`.",
        needs=ROS4HRI,
    ),
)
"""The topics of emotion_node."""

EXPRESSION_NODE = (
    Topic("humans/faces/tracked", "hri_msgs/IdsList", 10, "The faces to look at.", is_input=True),
    Topic(f"{FACE}/cropped", "sensor_msgs/Image", 1, "Their pictures.", "best effort", True),
    Topic(f"{FACE}/expression", "hri_msgs/Expression", 10, "Unless `uncertain`."),
)
"""The topics of expression_node."""

VIDEO_SOURCE = (
    Topic("image_raw", "sensor_msgs/Image", 5, f"The images; {LISTENED}."),
    Topic(
        "image_raw/compressed", "sensor_msgs/CompressedImage", 5, f"The same as JPEG; {LISTENED}."
    ),
    Topic("camera_info", "sensor_msgs/CameraInfo", 30, "Uncalibrated, once for each image."),
)
"""The topics of video_source."""

SERVICES = (
    Service("~/reset", "std_srvs/Trigger", "Forgets faces and smoothing."),
    Service(
        "~/dominant_emotion",
        "fer_ros/DominantEmotion",
        "The expression borne most in the last `window` seconds (60 at most), by one face or all.",
    ),
    Service(
        "~/reload",
        "std_srvs/Trigger",
        "Loads the `detector` and `model` that the parameters name now, and takes them up between "
        "two images; keeps the old ones when the new ones cannot be used.",
    ),
)
"""The services of emotion_node, beside those of every managed node."""


def markdown(table: Sequence[Topic] | Sequence[Service]) -> str:
    """The table as docs/topics.md has it."""
    if isinstance(table[0], Service):
        rows = [f"| `{s.name}` | {s.kind} | {s.description} |" for s in table]
        return "\n".join(["| service | type | |", "|---|---|---|", *rows])
    lines = ["| topic | | type | QoS | with | |", "|---|---|---|---|---|---|"]
    for t in table:
        way = "in" if t.is_input else "out"
        qos = f"{t.reliability}, depth {t.depth}"
        needs = ", ".join(f"`{name}: {str(value).lower()}`" for name, value in t.needs)
        lines.append(f"| `{t.name}` | {way} | {t.kind} | {qos} | {needs} | {t.description} |")
    return "\n".join(lines)


TABLES = {
    "emotion_node": EMOTION_NODE,
    "emotion_node services": SERVICES,
    "expression_node": EXPRESSION_NODE,
    "video_source": VIDEO_SOURCE,
}
"""The tables of the page, by their titles."""


if __name__ == "__main__":
    for title, rows in TABLES.items():
        print(f"### {title}\n\n{markdown(rows)}\n")
