# SPDX-License-Identifier: Apache-2.0
"""The table of each node's parameters, and the one way from their values to a pipeline."""

import os.path

from fer_ros.emotions.classifier import Classifier
from fer_ros.faces import detectors
from fer_ros.faces.mesh import FaceMesh
from fer_ros.faces.verifier import Verifier
from fer_ros.parameters.analysis_parameters import ANALYSIS
from fer_ros.parameters.emotion_parameters import EMOTION_NODE
from fer_ros.parameters.node_parameters import EXPRESSION_NODE, VIDEO_SOURCE, WEB_VIEW
from fer_ros.parameters.options import (
    AnalysisOptions,
    LoadedPipelineOptions,
    LoadOptions,
)
from fer_ros.parameters.parameter import (
    Parameter,
    ParameterError,
    Value,
    differences,
    options_of,
    taken_by,
)
from fer_ros.pipeline import EmotionPipeline

__all__ = [
    "ANALYSIS",
    "EMOTION_NODE",
    "EXPRESSION_NODE",
    "LOADED",
    "PIPELINE",
    "VIDEO_SOURCE",
    "WEB_VIEW",
    "AnalysisOptions",
    "Parameter",
    "ParameterError",
    "Value",
    "analysis_options",
    "build_pipeline",
    "create_pipeline",
    "differences",
]

PIPELINE = taken_by(LoadedPipelineOptions, EMOTION_NODE)
"""What ``create_pipeline`` takes."""
LOADED = tuple(row.name for row in taken_by(LoadOptions, EMOTION_NODE))
"""The names of those that say what is loaded."""


def analysis_options(**values: Value) -> AnalysisOptions:
    """What decides the results for a recording: the defaults, changed by ``values``.

    Raises:
        ParameterError: no such parameter, or a value that does not fit.
    """
    return options_of(AnalysisOptions, EMOTION_NODE, values)


def create_pipeline(**values: Value) -> EmotionPipeline:
    """The pipeline that emotion_node runs with these parameters; without any, by default.

    Args:
        **values: parameters of emotion_node by their names, those in PIPELINE.

    Raises:
        ParameterError: it takes no such parameter, or a value does not fit.
        DetectorError: the detector is not installed, or its file cannot be used.
        ModelError: model or card cannot be used.
    """
    return build_pipeline(options_of(LoadedPipelineOptions, EMOTION_NODE, values))


def build_pipeline(options: LoadedPipelineOptions) -> EmotionPipeline:
    """The same by options. Raises DetectorError, ModelError."""
    mesh = options.face_mesh != "off"
    threshold = options.detection_threshold
    detector = detectors.create_detector(
        options.detector,
        model_path=os.path.expanduser(options.detector_model),  # noqa: PTH111 - may be empty
        score_threshold=None if threshold < 0 else threshold,
        proposing=mesh,
    )
    classifier = Classifier(options.model, options.threads)
    return EmotionPipeline(detector, classifier, options, Verifier(FaceMesh()) if mesh else None)
