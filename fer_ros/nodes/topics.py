# SPDX-License-Identifier: Apache-2.0
"""Each node's topics and services: what publishers are made of and docs/topics.md has.

``python -m fer_ros.nodes.topics`` prints the tables; tests hold them to the page and to the nodes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

LISTENED = "only while someone listens"


@dataclass(frozen=True)
class Topic:
    """One topic.

    Attributes:
        name: before remapping; ``ID`` in it stands for a face's.
        kind: package/Message.
        depth: of its queue, messages.
        description: for the page.
        reliability: for the page; a parameter's name in backticks where that decides.
        is_input: subscribed to, not published.
        needs: the parameters, by name and value, with which it is there.
        sink: who publishes it for each image, module.Class in ``fer_ros.nodes.sinks``, named once
            for topics that go together.
    """

    name: str
    kind: str
    depth: int
    description: str
    reliability: str = "reliable"
    is_input: bool = False
    needs: tuple[tuple[str, bool | str], ...] = ()
    sink: str = ""

    @property
    def comes_and_goes(self) -> bool:
        """Whether it is there only while parameters ask for it, or a face is."""
        return bool(self.needs) or "ID" in self.name


@dataclass(frozen=True)
class Service:
    """One service. ``kind``: package/Service."""

    name: str
    kind: str
    description: str


RAW = (("image_transport", "raw"),)
COMPRESSED = (("image_transport", "compressed"),)
ROS4HRI = (("ros4hri", True),)
TRACKED = "humans/faces/tracked"
FACE = "humans/faces/ID"

EMOTION_NODE_TOPICS = (
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
        "Beside the image topic; for distances, markers and frames.",
        "best effort",
        True,
    ),
    Topic(
        "depth",
        "sensor_msgs/Image",
        1,
        "Depth aligned to the images, by whatever name `depth_topic` gives; for distances.",
        "`auto`",
        True,
        (("depth_topic", "depth"),),
    ),
    Topic(
        "emotions",
        "fer_ros/EmotionArray",
        10,
        "Once for each image, empty without a face.",
        sink="emotion_array.EmotionArraySink",
    ),
    Topic(
        "emotion_events",
        "fer_ros/EmotionEvent",
        10,
        "Once for each change of expression that has held by `event_rules`.",
        sink="emotion_events.EmotionEventsSink",
    ),
    Topic(
        "engagement",
        "fer_ros/EngagementArray",
        10,
        "Who wants the robot's attention: when that changes, and once a second.",
        sink="engaged_faces.EngagedFacesSink",
    ),
    Topic(
        "context",
        "std_msgs/String",
        1,
        f"One sentence on who is there, each `context_period`; {LISTENED}.",
        sink="context.ContextSink",
    ),
    Topic(
        "detections",
        "vision_msgs/Detection2DArray",
        10,
        "Each face with the seven probabilities as hypotheses.",
        needs=(("detections", True),),
        sink="detections.DetectionsSink",
    ),
    Topic(
        TRACKED,
        "hri_msgs/IdsList",
        10,
        "REP 155: the faces followed now, each from its second image on.",
        needs=ROS4HRI,
        sink="humans.HumansSink",
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
        f"{FACE}/aligned",
        "sensor_msgs/Image",
        1,
        f"REP 155: the same turned until the eyes are level, when the face mesh looked at the "
        f"face; {LISTENED}.",
        needs=ROS4HRI,
    ),
    Topic(
        f"{FACE}/expression",
        "hri_msgs/Expression",
        10,
        "REP 155: the expression, unless `uncertain`.",
        needs=ROS4HRI,
    ),
    Topic(
        f"{FACE}/landmarks",
        "hri_msgs/FacialLandmarks",
        10,
        "REP 155: 70 points, when the face mesh looked at the face.",
        needs=ROS4HRI,
    ),
    Topic(
        "/tf",
        "tf2_msgs/TFMessage",
        100,
        "`face_ID` in the frame of the image, when the camera is calibrated; with `ros4hri` "
        "`gaze_ID` on it.",
        needs=(("face_frames", True),),
        sink="face_frames.FaceFramesSink",
    ),
    Topic(
        "emotion_markers",
        "visualization_msgs/MarkerArray",
        1,
        f"Box, label and where the face looks, in space; {LISTENED} and the camera is calibrated.",
        sink="markers.MarkersSink",
    ),
    Topic(
        "image_annotated",
        "sensor_msgs/Image",
        1,
        f"Faces drawn in; {LISTENED}.",
        sink="annotated_image.AnnotatedImageSink",
    ),
    Topic(
        "image_annotated/compressed",
        "sensor_msgs/CompressedImage",
        1,
        f"The same as JPEG; {LISTENED}.",
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
)
"""The topics of emotion_node; it publishes in this order, what others act on before what is looked
at."""

EXPRESSION_NODE_TOPICS = (
    Topic(TRACKED, "hri_msgs/IdsList", 10, "The faces to look at.", is_input=True),
    Topic(f"{FACE}/cropped", "sensor_msgs/Image", 1, "Their pictures.", "best effort", True),
    Topic(f"{FACE}/expression", "hri_msgs/Expression", 10, "Unless `uncertain`."),
    Topic(
        "/diagnostics",
        "diagnostic_msgs/DiagnosticArray",
        10,
        "Health, each `diagnostics_period`, while inactive too.",
    ),
)
"""The topics of expression_node."""

VIDEO_SOURCE_TOPICS = (
    Topic("image_raw", "sensor_msgs/Image", 5, f"The images; {LISTENED}."),
    Topic(
        "image_raw/compressed", "sensor_msgs/CompressedImage", 5, f"The same as JPEG; {LISTENED}."
    ),
    Topic("camera_info", "sensor_msgs/CameraInfo", 30, "Uncalibrated, once for each image."),
)
"""The topics of video_source."""

LOOKED = "only while someone looks"
WEB_VIEW_TOPICS = (
    Topic("image_raw", "sensor_msgs/Image", 1, f"The camera; {LOOKED}.", "`auto`", True, RAW),
    Topic(
        "image_raw/compressed",
        "sensor_msgs/CompressedImage",
        1,
        f"The camera, JPEG or PNG; {LOOKED}.",
        "`auto`",
        True,
        COMPRESSED,
    ),
    Topic("emotions", "fer_ros/EmotionArray", 10, f"The results; {LOOKED}.", is_input=True),
    Topic("emotion_events", "fer_ros/EmotionEvent", 10, "Changes of expression.", is_input=True),
    Topic(
        "/diagnostics", "diagnostic_msgs/DiagnosticArray", 10, "The node's health.", is_input=True
    ),
)
"""The topics of web_view: it only listens."""

RESET = Service("~/reset", "std_srvs/Trigger", "Forgets faces and smoothing.")
SERVICES = (
    RESET,
    Service(
        "~/dominant_emotion",
        "fer_ros/DominantEmotion",
        "The expression borne most in the last `window` seconds (60 at most), by one face or all.",
    ),
    Service("~/context", "std_srvs/Trigger", "One sentence on who is there now, in `language`."),
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
    if services := [row for row in table if isinstance(row, Service)]:
        rows = [f"| `{s.name}` | {s.kind} | {s.description} |" for s in services]
        return "\n".join(["| service | type | |", "|---|---|---|", *rows])
    lines = ["| topic | | type | QoS | with | |", "|---|---|---|---|---|---|"]
    for t in (row for row in table if isinstance(row, Topic)):
        way = "in" if t.is_input else "out"
        qos = f"{t.reliability}, depth {t.depth}"
        needs = ", ".join(f"`{name}: {str(value).lower()}`" for name, value in t.needs)
        lines.append(f"| `{t.name}` | {way} | {t.kind} | {qos} | {needs} | {t.description} |")
    return "\n".join(lines)


TABLES: dict[str, Sequence[Topic] | Sequence[Service]] = {
    "emotion_node": EMOTION_NODE_TOPICS,
    "emotion_node services": SERVICES,
    "expression_node": EXPRESSION_NODE_TOPICS,
    "expression_node services": (RESET,),
    "video_source": VIDEO_SOURCE_TOPICS,
    "web_view": WEB_VIEW_TOPICS,
}
"""The tables of the page, by their titles."""


if __name__ == "__main__":
    for title, rows in TABLES.items():
        print(f"### {title}\n\n{markdown(rows)}\n")
