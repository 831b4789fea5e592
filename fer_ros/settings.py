# SPDX-License-Identifier: Apache-2.0
"""The table of each node's parameters: all that is declared, checked and documented of them; and
the one way from their values to a pipeline.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

from fer_ros.emotions.classifier import Classifier
from fer_ros.faces import detectors
from fer_ros.faces.mesh import FaceMesh
from fer_ros.faces.verifier import Verifier
from fer_ros.pipeline import EmotionPipeline
from fer_ros.reactions.rules import DEFAULT, read_rules
from fer_ros.reactions.sentences import WORDS

Value = bool | int | float | str


@dataclass(frozen=True)
class Setting:
    """One parameter.

    Attributes:
        name: as in ROS.
        default: its type is the parameter's.
        description: what it does, with its unit.
        range: inclusive; where it begins at -1, that stands for none of the kind: no limit, or
            what its owner thinks best.
        choices: all values that there are; empty where there are more.
        live: a change takes effect at the next image, else at the next configure.
        read_only: it can be given at the start alone.
        formerly: a name that it had, still taken at the start.
        check: raises ValueError for a text that says nothing.
    """

    name: str
    default: Value
    description: str
    range: tuple[float, float] | None = None
    choices: tuple[Value, ...] = ()
    live: bool = False
    read_only: bool = False
    formerly: str = ""
    check: Callable[[Any], object] | None = None

    def fault(self, value: Any) -> str:
        """What speaks against a value that has the right type and lies in range; else empty."""
        if self.choices and self.meant(value) not in self.choices:
            return f"choose {', '.join(map(str, self.choices))}"
        try:
            if self.check:
                self.check(value)
        except ValueError as error:
            return str(error)
        return ""

    @property
    def is_switch(self) -> bool:
        """Whether ``off`` is one of its texts, which YAML, and so ROS, reads as false."""
        return "off" in self.choices

    def meant(self, value: Any) -> Any:
        """What a value from YAML stands for: ``off`` where that was read as false."""
        return "off" if self.is_switch and value is False else value

    def checked(self, value: Any) -> Value:
        """``value``, or a text of it, as the parameter's type.

        Raises:
            SettingsError: it is of another type, or not among what the parameter may be.
        """
        value = self.meant(value)
        kind = type(self.default)
        try:
            value = kind(value)
        except (TypeError, ValueError):
            raise SettingsError(f"{self.name}={value}: expected {kind.__name__}") from None
        if fault := self.fault(value):
            raise SettingsError(f"{self.name}={value}: {fault}")
        if self.range and not self.range[0] <= value <= self.range[1]:
            low, high = self.range
            raise SettingsError(f"{self.name}={value}: expected {low} to {high}")
        return value


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


def _of_emotion_node(*names: str) -> tuple[Setting, ...]:
    table = {s.name: s for s in EMOTION_NODE}
    return tuple(table[name] for name in names)


EXPRESSION_NODE = (
    *_of_emotion_node("autostart", "exit_on_failure", "model", "threads", "max_image_megapixels"),
    Setting(
        "max_faces", 16, "At most this many faces, those followed longest.", (1, 256), live=True
    ),
    *_of_emotion_node(
        "smoothing_time_constant",
        "hysteresis",
        "uncertain_threshold",
        "diagnostics_period",
        "age_warn",
        "age_error",
    ),
)
"""The parameters of expression_node: most are emotion_node's."""

PIPELINE = _of_emotion_node(
    "detector",
    "detector_model",
    "detection_threshold",
    "face_mesh",
    "detection_interval",
    "mesh_faces",
    "facing_angle",
    "engagement_distance",
    "engagement_time",
    "face_width",
    "model",
    "threads",
    "min_face_size",
    "max_faces",
    "rotate",
    "smoothing_time_constant",
    "hysteresis",
    "uncertain_threshold",
    "min_quality",
    "max_gap",
    "event_rules",
    "event_hold",
    "relative_events",
)
"""Those of emotion_node's that decide its results: what ``create_pipeline`` takes."""

_VIDEO_SOURCE = (
    Setting(
        "source",
        "sample",
        "Camera index, video file, folder of pictures, stream URL, or the built-in `sample`.",
    ),
    Setting("rate", 0.0, "Images a second, Hz; 0: the source's own.", range=(0, 1000)),
    Setting("width", 0, "Width to resize to, pixels; 0: the source's own.", range=(0, 16384)),
    Setting("height", 0, "Height to resize to, pixels; 0: the source's own.", range=(0, 16384)),
    Setting("loop", True, "Begin again at the end of a file or folder; false: exit there."),
    Setting(
        "encoding",
        "bgr8",
        "Encoding of image_raw.",
        choices=("bgr8", "rgb8", "bgra8", "rgba8", "mono8"),
    ),
    Setting("jpeg_quality", 80, "Quality of image_raw/compressed.", range=(1, 100)),
    Setting("frame_id", "camera", "Frame in the header of the images."),
    Setting(
        "start_when_subscribed",
        False,
        "Wait for the first subscriber before the first image, so that none is missed.",
    ),
)
VIDEO_SOURCE = tuple(replace(setting, read_only=True) for setting in _VIDEO_SOURCE)
"""The parameters of video_source, all read once, at the start."""

WEB_VIEW = (
    Setting(
        "host",
        "127.0.0.1",
        "Address to listen on; with any but this machine's own (127.0.0.1, ::1, localhost), such "
        "as 0.0.0.0 for all, visitors need the token.",
        read_only=True,
    ),
    Setting("port", 8080, "Port to listen on; 0: a free one.", (0, 65535), read_only=True),
    Setting(
        "token_file",
        "",
        "File that holds the token visitors need; readable by this node's user alone.",
        read_only=True,
    ),
    Setting(
        "token",
        "",
        "The token itself, for a trial: a parameter can be read on the bus. Empty: made and "
        "printed at each start where `host` demands one.",
        read_only=True,
    ),
    Setting(
        "allowed_hosts",
        "",
        "Further names by which browsers may call this machine, with commas between.",
        read_only=True,
    ),
    Setting("max_viewers", 10, "Pages open at the same time, at most.", (1, 100), read_only=True),
    Setting(
        "allow_changes",
        False,
        "Let viewers change the live parameters of the node that they look at.",
        read_only=True,
    ),
    Setting("node", "emotion_node", "Name of the node that is looked at.", read_only=True),
    Setting(
        "image_transport",
        "auto",
        "Images to show: JPEG or PNG as they come, or raw ones made JPEG here; auto: compressed "
        "where someone publishes them.",
        choices=("auto", "raw", "compressed"),
        read_only=True,
    ),
    Setting(
        "rotate",
        -1,
        "Turn the image clockwise, degrees; -1: as the node does.",
        choices=(-1, 0, 90, 180, 270),
        live=True,
    ),
    Setting(
        "max_rate", 15.0, "Images shown each second at most, Hz; -1: all.", (-1, 1000), live=True
    ),
    Setting("jpeg_quality", 80, "Quality of the JPEG made of raw images.", (1, 100), live=True),
    *_of_emotion_node("max_image_megapixels", "max_compressed_megabytes"),
)
"""The parameters of web_view."""


class SettingsError(ValueError):
    """A parameter that there is not, or a value that it cannot have; the message is one line."""


class Settings(SimpleNamespace):
    """An attribute for each parameter in ``PIPELINE``; docs/parameters.md explains them.

    Args:
        **changes: values that are not the default, by the parameters' names.

    Raises:
        SettingsError: another name, or a value that does not fit.
    """

    def __init__(self, **changes):
        table = {setting.name: setting for setting in PIPELINE}
        unknown = set(changes) - set(table)
        if unknown:
            raise SettingsError(f"no parameter {min(unknown)}: choose {', '.join(table)}")
        checked = {name: table[name].checked(value) for name, value in changes.items()}
        super().__init__(**{s.name: s.default for s in PIPELINE} | checked)

    def differences(self) -> dict[str, Value]:
        """The values that are not the default."""
        return {s.name: v for s in PIPELINE if (v := getattr(self, s.name)) != s.default}


def own(value: float) -> float | None:
    """A parameter that may be left to its owner: None where it is negative."""
    return None if value < 0 else value


def create_pipeline(**values) -> EmotionPipeline:
    """The pipeline that emotion_node runs with these parameters; without any, by default.

    Args:
        **values: parameters of emotion_node by their names; those that do not decide its results
            are passed over.

    Raises:
        SettingsError: no such parameter, or a value that does not fit.
        DetectorError: the detector is not installed, or its file cannot be used.
        ModelError: model or card cannot be used.
    """
    others = {s.name for s in EMOTION_NODE} - {s.name for s in PIPELINE}
    settings = Settings(**{name: v for name, v in values.items() if name not in others})
    mesh = settings.face_mesh != "off"
    detector = detectors.create_detector(
        settings.detector,
        model_path=settings.detector_model,
        score_threshold=own(settings.detection_threshold),
        proposing=mesh,
    )
    classifier = Classifier(settings.model, settings.threads)
    pipeline = EmotionPipeline(detector, classifier, Verifier(FaceMesh()) if mesh else None)
    pipeline.tune(settings)
    return pipeline
