# SPDX-License-Identifier: Apache-2.0
"""The parameters of emotion_node."""

from fer_ros.faces import detectors
from fer_ros.reactions.rules import DEFAULT, read_rules
from fer_ros.reactions.sentences import WORDS
from fer_ros.settings.setting import Setting

EMOTION_NODE = (
    Setting(
        "autostart",
        True,
        "Configure and activate at start, without a lifecycle manager.",
        read_only=True,
    ),
    Setting(
        "exit_on_failure",
        False,
        "End with status 1 when configure or activate fails; false: stay, to be mended.",
        live=True,
    ),
    Setting(
        "image_transport",
        "raw",
        "What to subscribe to: image_raw, or the JPEG or PNG stream under it.",
        choices=("raw", "compressed"),
    ),
    Setting(
        "image_reliability",
        "auto",
        "QoS of the image subscription; auto: reliable when every publisher offers it.",
        choices=("auto", "reliable", "best_effort"),
    ),
    Setting(
        "detector",
        "auto",
        "Face detector; auto: the best that is installed.",
        choices=detectors.NAMES,
    ),
    Setting(
        "detector_model",
        "",
        "File for the detector, such as YuNet's .onnx; empty: the detector's own.",
    ),
    Setting(
        "detection_threshold",
        -1.0,
        "Score under which a face is ignored; -1: the detector's default, lower where the mesh "
        "verifies.",
        range=(-1, 1),
    ),
    Setting(
        "face_mesh",
        "auto",
        "Verify and follow faces by a mesh of points, and tell where they look; off: the detector "
        "alone, in every image.",
        choices=("auto", "off"),
    ),
    Setting(
        "detection_interval",
        0.3,
        "Time between two looks for new faces while all known ones are followed, s; 0: every "
        "image.",
        range=(0, 60),
        live=True,
    ),
    Setting(
        "mesh_faces",
        5,
        "With more faces than this the detector looks at every image, which is cheaper then, and "
        "the mesh at the largest face and at one of the others by turns.",
        range=(1, 256),
        live=True,
    ),
    Setting(
        "facing_angle",
        0.35,
        "Angle between where a face looks and the camera under which it is `facing`, rad.",
        range=(0, 1.6),
        live=True,
    ),
    Setting(
        "model",
        "",
        "Expression model: .tflite, .onnx or .keras with its card; empty: built in; small: built "
        "in, half the time.",
    ),
    Setting("threads", 1, "CPU threads of the expression model.", range=(1, 64)),
    Setting(
        "max_image_megapixels",
        35.0,
        "Larger images are refused before they are decoded, million pixels; 8K has 33.",
        range=(0.01, 268),
        live=True,
    ),
    Setting(
        "max_compressed_megabytes",
        32.0,
        "Longer compressed images are refused, million bytes.",
        range=(0.01, 1000),
        live=True,
    ),
    Setting(
        "min_face_size", 0, "Faces narrower than this are ignored, pixels.", (0, 4096), live=True
    ),
    Setting(
        "max_faces", 16, "At most this many faces, the largest, each image.", (1, 256), live=True
    ),
    Setting(
        "max_rate",
        -1.0,
        "Images processed each second at most, Hz; -1: all.",
        (-1, 1000),
        live=True,
    ),
    Setting(
        "rotate",
        0,
        "Turn the image clockwise before looking for faces, degrees, for a camera mounted askew.",
        choices=(0, 90, 180, 270),
        live=True,
    ),
    Setting(
        "smoothing_time_constant",
        0.3,
        "Time constant of the smoothed probabilities, s; 0: none.",
        range=(0, 60),
        live=True,
    ),
    Setting(
        "hysteresis",
        0.1,
        "By how much another class must exceed the published one to replace it.",
        range=(0, 1),
        live=True,
    ),
    Setting(
        "uncertain_threshold",
        -1.0,
        "Confidence under which the label is `uncertain`; -1: the model card's.",
        range=(-1, 1),
        live=True,
    ),
    Setting(
        "min_quality",
        -1.0,
        "Quality under which the label is `uncertain`, 0.1 more while a face talks, is covered or "
        "turned away; 0: never, -1: as uncertain_threshold.",
        range=(-1, 1),
        live=True,
    ),
    Setting(
        "max_gap",
        1.0,
        "A track ends when its face is not seen for longer; a longer jump of the stamps resets, s.",
        range=(0, 3600),
        live=True,
    ),
    Setting(
        "event_rules",
        DEFAULT,
        "When emotion_events tells an expression: after so many seconds, in which it was the label "
        "in so large a share of the images, with so much confidence in the mean.",
        live=True,
        check=read_rules,
    ),
    Setting(
        "event_hold",
        -1.0,
        "Seconds after which emotion_events tells any expression, in place of those in "
        "event_rules; -1: those, 0: at once.",
        range=(-1, 60),
        live=True,
    ),
    Setting(
        "relative_events",
        True,
        "Tell on emotion_events too what stands out against a face's own usual expression.",
        live=True,
    ),
    Setting(
        "engagement_distance",
        4.0,
        "Nobody farther away is engaged, m; the nearer, the less straight somebody has to look.",
        range=(0.1, 100),
        live=True,
    ),
    Setting(
        "engagement_time",
        2.0,
        "Of the last so many seconds, one who looks at the robot for three quarters is engaged, s.",
        range=(0.1, 60),
        live=True,
    ),
    Setting(
        "context_period",
        1.0,
        "Time between two sentences on `context`, s.",
        range=(0.1, 3600),
        live=True,
    ),
    Setting(
        "language",
        "en",
        "Language of these sentences.",
        choices=tuple(WORDS),
        live=True,
    ),
    Setting("jpeg_quality", 85, "Quality of image_annotated/compressed.", (1, 100), live=True),
    Setting(
        "face_width",
        0.16,
        "Width of a face, by which a calibrated camera tells how far away it is, m.",
        range=(0.01, 1),
        live=True,
    ),
    Setting(
        "depth_topic",
        "",
        "Depth images aligned to the camera's, 16UC1 in mm or 32FC1 in m, that tell distances in "
        "place of `face_width`; empty: none.",
    ),
    Setting(
        "depth_tolerance",
        0.1,
        "By how much the stamps of an image and its depth may differ, s.",
        range=(0, 10),
        live=True,
    ),
    Setting(
        "face_frames",
        False,
        "Publish a TF frame for each face, when the camera is calibrated; needs tf2_msgs.",
    ),
    Setting(
        "ros4hri",
        False,
        "Publish the faces as REP 155 has them, on humans/faces; needs hri_msgs.",
    ),
    Setting(
        "detections",
        False,
        "Publish the faces as vision_msgs/Detection2DArray; needs vision_msgs.",
    ),
    Setting(
        "diagnostics_period",
        1.0,
        "Time between two messages on /diagnostics, s.",
        (0.1, 60),
        read_only=True,
    ),
    Setting(
        "no_image_warn",
        2.0,
        "WARN without an image for so long, s; -1: never.",
        (-1, 3600),
        live=True,
    ),
    Setting("no_image_error", 10.0, "The same for ERROR, s; -1: never.", (-1, 3600), live=True),
    Setting(
        "age_warn",
        0.3,
        "WARN when results are older than this, median, s; -1: never.",
        range=(-1, 3600),
        live=True,
    ),
    Setting("age_error", 1.0, "The same for ERROR, s; -1: never.", (-1, 3600), live=True),
    Setting(
        "missed_warn",
        0.1,
        "WARN when this share of the images published never comes; -1: never.",
        range=(-1, 1),
        live=True,
    ),
    Setting(
        "dropped_warn",
        0.5,
        "WARN when this share of the images is dropped; -1: never.",
        range=(-1, 1),
        live=True,
        formerly="superseded_warn",
    ),
)
"""The parameters of emotion_node."""


def of_emotion_node(*names: str) -> tuple[Setting, ...]:
    """Those of emotion_node's parameters, in this order."""
    table = {s.name: s for s in EMOTION_NODE}
    return tuple(table[name] for name in names)
