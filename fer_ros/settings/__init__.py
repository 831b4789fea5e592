# SPDX-License-Identifier: Apache-2.0
"""The table of each node's parameters, and the one way from their values to a pipeline."""

from types import SimpleNamespace

from fer_ros.emotions.classifier import Classifier
from fer_ros.faces import detectors
from fer_ros.faces.mesh import FaceMesh
from fer_ros.faces.verifier import Verifier
from fer_ros.pipeline import EmotionPipeline
from fer_ros.settings.emotion_settings import EMOTION_NODE, of_emotion_node
from fer_ros.settings.node_settings import EXPRESSION_NODE, VIDEO_SOURCE, WEB_VIEW
from fer_ros.settings.setting import Setting, SettingsError, Value

__all__ = [
    "EMOTION_NODE",
    "EXPRESSION_NODE",
    "PIPELINE",
    "VIDEO_SOURCE",
    "WEB_VIEW",
    "Setting",
    "Settings",
    "SettingsError",
    "Value",
    "create_pipeline",
]

PIPELINE = of_emotion_node(
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
