# SPDX-License-Identifier: Apache-2.0
"""Face detectors behind one interface: an image in, boxes, scores and eye points out.

Each detector has a module of its own, imported when it is asked for; other packages may add theirs.
"""

import importlib
import logging
from pathlib import Path

from fer_ros.faces.detectors import plugins
from fer_ros.faces.detectors.base import Detection, Detector, DetectorError, Framing

_log = logging.getLogger("fer_ros")

__all__ = ["NAMES", "Detection", "Detector", "DetectorError", "Framing", "create_detector"]

# Name: (module, class), the best first; docs/detectors.md has the figures behind the order.
_CLASSES = {
    "yunet": ("yunet", "YuNetDetector"),
    "blazeface": ("blazeface", "BlazeFaceDetector"),
    "haar": ("haar", "HaarDetector"),
}
_FILES = {".onnx": "yunet", ".tflite": "blazeface", ".xml": "haar"}
_FROM_OUTSIDE = plugins.find(taken=("auto", *_CLASSES))
NAMES = ("auto", *_CLASSES, *_FROM_OUTSIDE)


def create_detector(
    name: str = "auto",
    *,
    model_path: str = "",
    min_face_size: int = 0,
    score_threshold: float | None = None,
    proposing: bool = False,
) -> Detector:
    """Create a detector by name; "auto" takes the best of fer_ros' own that is present and logs
    which.

    `model_path` is the detector's own file ("" for the installed one; YuNet has none). "auto"
    hands it to the detector that its suffix names (.onnx, .tflite, .xml) and gives the others
    theirs. `min_face_size` is a width in pixels, `score_threshold` is in 0..1 (None: the
    detector's default, or with `proposing` the lower one for what is verified afterwards). Raises
    DetectorError for an unknown name, a missing part or an unusable file.
    """
    options = {
        "min_face_size": min_face_size,
        "score_threshold": score_threshold,
        "proposing": proposing,
    }
    if name in _CLASSES:
        return _create(name, model_path, options)
    if name in _FROM_OUTSIDE:
        return plugins.create(_FROM_OUTSIDE[name], model_path, options)
    if name != "auto":
        raise DetectorError(f"unknown detector '{name}'; choose one of {', '.join(NAMES)}")
    return _create_best(model_path, options)


def _create_best(model_path: str, options: dict) -> Detector:
    reader = _FILES.get(Path(model_path).suffix)
    if model_path and (reader is None or not Path(model_path).is_file()):
        raise DetectorError(
            f"no detector reads '{model_path}'; set detector_model to an existing file "
            f"({', '.join(_FILES)}) or leave it empty"
        )
    reasons = []
    for name in _CLASSES:
        try:
            detector = _create(name, model_path if name == reader else "", options)
        except DetectorError as error:
            _log.log(logging.WARNING if name == reader else logging.DEBUG, "%s", error)
            reasons.append(str(error))
        else:
            _log.info("face detector: %s", name)
            return detector
    raise DetectorError("; ".join(reasons))


def _create(name, model_path, options) -> Detector:
    module_name, class_name = _CLASSES[name]
    module = importlib.import_module(f".{module_name}", __name__)
    threshold = options["score_threshold"]
    if threshold is None and options["proposing"]:
        threshold = module.PROPOSAL_THRESHOLD
    return getattr(module, class_name)(str(model_path), options["min_face_size"], threshold)
