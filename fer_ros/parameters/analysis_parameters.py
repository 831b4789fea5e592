# SPDX-License-Identifier: Apache-2.0
"""The parameters that decide the results: those of the pipeline, and when events are reported."""

from fer_ros.emotions.smoothing import SmoothingOptions
from fer_ros.faces import detectors
from fer_ros.interaction.rules import DEFAULT, EventOptions, read_rules
from fer_ros.parameters.options import AnalysisOptions, ClassifierOptions, LoadOptions
from fer_ros.parameters.parameter import Parameter
from fer_ros.pipeline import PipelineOptions

ANALYSIS = (
    Parameter(
        "image_rectified",
        "auto",
        "Whether the images are rectified: then P of camera_info applies, without "
        "distortion; auto: yes if the last part of their topic begins with image_rect.",
        AnalysisOptions,
        choices=("auto", "yes", "no"),
    ),
    Parameter(
        "detector",
        "auto",
        "Face detector; auto: the best one installed.",
        LoadOptions,
        choices=detectors.NAMES,
    ),
    Parameter(
        "detector_model",
        "",
        "File for the detector, such as YuNet's .onnx; empty: the detector's own.",
        LoadOptions,
    ),
    Parameter(
        "detection_threshold",
        -1.0,
        "Minimum detection score, 0 to 1; -1: the detector's own default, lower where the face "
        "mesh verifies.",
        LoadOptions,
        range=(-1, 1),
    ),
    Parameter(
        "face_mesh",
        "auto",
        "Face mesh that verifies and follows faces and measures head pose; off: the "
        "detector alone, in every image.",
        LoadOptions,
        choices=("auto", "off"),
    ),
    Parameter(
        "detection_interval",
        0.3,
        "Time between two runs of the detector while all known faces are followed; 0: it runs in "
        "every image.",
        PipelineOptions,
        "s",
        (0, 60),
        live=True,
    ),
    Parameter(
        "mesh_faces",
        5,
        "Number of faces up to which the mesh follows every face in every image. With more "
        "faces the detector runs in every image, which is cheaper then; the mesh follows "
        "the largest face and one of the others in turn.",
        PipelineOptions,
        range=(1, 256),
        live=True,
    ),
    Parameter(
        "facing_angle",
        0.35,
        "Maximum angle between the direction a face looks and the camera for `facing` to be true.",
        PipelineOptions,
        "rad",
        (0, 1.6),
        live=True,
    ),
    Parameter(
        "pose_smoothing",
        True,
        "Smooth the head's angles, and its position on `/tf` and `emotion_markers`, by a "
        "One-Euro filter.",
        PipelineOptions,
        live=True,
    ),
    Parameter(
        "model",
        "",
        "Expression model: .tflite, .onnx or .keras with its card; empty: built in; small: built "
        "in, half the time.",
        ClassifierOptions,
    ),
    Parameter(
        "threads", 1, "CPU threads of the expression model.", ClassifierOptions, range=(1, 64)
    ),
    Parameter(
        "min_face_size",
        0,
        "Minimum face width; narrower faces are ignored.",
        PipelineOptions,
        "pixels",
        (0, 4096),
        live=True,
    ),
    Parameter(
        "max_faces",
        16,
        "Maximum number of faces per image; the largest are kept.",
        PipelineOptions,
        range=(1, 256),
        live=True,
    ),
    Parameter(
        "rotate",
        0,
        "Clockwise rotation that turns the images upright, for a camera mounted sideways.",
        PipelineOptions,
        "degrees",
        choices=(0, 90, 180, 270),
        live=True,
    ),
    Parameter(
        "smoothing_time_constant",
        0.3,
        "Time constant of the smoothed probabilities, at least 2 s while a face talks; 0: none.",
        SmoothingOptions,
        "s",
        (0, 60),
        live=True,
    ),
    Parameter(
        "hysteresis",
        0.1,
        "Probability by which another class must exceed the published one to replace it, 0 to 1.",
        SmoothingOptions,
        range=(0, 1),
        live=True,
    ),
    Parameter(
        "uncertain_threshold",
        -1.0,
        "Confidence below which the label is `uncertain`, 0 to 1; -1: the model card's.",
        SmoothingOptions,
        range=(-1, 1),
        live=True,
    ),
    Parameter(
        "min_quality",
        -1.0,
        "Quality below which the label is `uncertain`, 0 to 1; 0.1 more while a face "
        "talks, is covered or turned away; 0: never; -1: as uncertain_threshold.",
        PipelineOptions,
        range=(-1, 1),
        live=True,
    ),
    Parameter(
        "max_gap",
        1.0,
        "Maximum time a face may be out of sight and keep its id; 2.5 image intervals "
        "where that is longer.",
        PipelineOptions,
        "s",
        (0, 3600),
        live=True,
    ),
    Parameter(
        "event_rules",
        DEFAULT,
        "Rules for emotion_events, by expression: how long it must be the label, in what "
        "share of the images, and with what mean confidence.",
        EventOptions,
        live=True,
        check=read_rules,
    ),
    Parameter(
        "event_hold",
        -1.0,
        "Time after which emotion_events reports any expression, instead of the times in "
        "event_rules; -1: those of event_rules; 0: at once.",
        EventOptions,
        "s",
        (-1, 60),
        live=True,
    ),
    Parameter(
        "relative_events",
        True,
        "Publish also, on emotion_events, what stands out against a face's own usual expression.",
        EventOptions,
        live=True,
    ),
    Parameter(
        "engagement_distance",
        4.0,
        "Distance beyond which nobody is engaged; the closer a person, the wider the angle "
        "at which they count as looking.",
        PipelineOptions,
        "m",
        (0.1, 100),
        live=True,
    ),
    Parameter(
        "engagement_time",
        2.0,
        "Time window of engagement: a person who looks at the robot for three quarters of "
        "it is engaged.",
        PipelineOptions,
        "s",
        (0.1, 60),
        live=True,
    ),
    Parameter(
        "face_width",
        0.16,
        "Assumed width of a face, from which a calibrated camera measures its distance.",
        PipelineOptions,
        "m",
        (0.01, 1),
        live=True,
    ),
)
"""The parameters of emotion_node that decide the results for a recording."""
