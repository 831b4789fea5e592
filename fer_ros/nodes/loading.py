# SPDX-License-Identifier: Apache-2.0
"""From parameters to a detector and a model."""

from types import SimpleNamespace

from fer_ros.emotions.classifier import Classifier
from fer_ros.emotions.model_card import ModelError
from fer_ros.faces.detectors import Detector, DetectorError, create_detector
from fer_ros.nodes.health import one_line

LOADED = ("detector", "detector_model", "detection_threshold", "model", "threads")
"""The parameters that ``load`` reads."""


class LoadError(RuntimeError):
    """Detector or model cannot be loaded; the message is one line that says why."""


def load(values: SimpleNamespace) -> tuple[Detector, Classifier]:
    """Detector and classifier that the parameters name. Raises LoadError."""
    try:
        detector = create_detector(
            values.detector,
            model_path=values.detector_model,
            score_threshold=values.detection_threshold or None,
        )
        return detector, Classifier(values.model, values.threads)
    except (DetectorError, ModelError) as error:
        raise LoadError(str(error)) from None
    except Exception as error:  # what the libraries raise on a file that they did not foresee
        raise LoadError(one_line(error)) from error
