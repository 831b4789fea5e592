# SPDX-License-Identifier: Apache-2.0
"""Damaged networks as classifiers and detectors: no one may end the process that loads it.

The files that ship, OpenCV's cascade and, with FER_ROS_YUNET=FILE, YuNet are damaged by seeded
flips of bits and bytes, by cuts and by copied stretches; a card that fits lies beside each. What is
loaded runs on a picture. One that ends the process in which it was tried is a fault of that file.

    python -m benchmarks.robustness.model_files [--seconds 120] [--seed 1]
"""

import json
import os
import sys
from pathlib import Path

import numpy as np

from benchmarks.robustness.rounds import Round, damaged, one_line, run
from fer_ros import inference
from fer_ros.emotions.classifier import Classifier
from fer_ros.emotions.model_card import ModelError, sha256_of
from fer_ros.faces.detectors import DetectorError, create_detector
from fer_ros.faces.detectors.haar import find_cascade
from fer_ros.inference.shipped import MODELS

CLASSIFIER = "emotion_mobilenet_v2_small"
SHORT_RANGE = "face_detection_short_range"


def model(folder, stack, path, detector, by_opencv=False):
    """The file at ``path``, damaged, as a classifier or as that detector."""
    original = Path(path).read_bytes()
    if by_opencv:
        inference.backend_of = lambda _: "opencv"

    def once(number, random):
        file = folder / Path(path).name
        file.write_bytes(damaged(original, random))
        try:
            _use(file, detector)
        except (ModelError, DetectorError) as error:
            word = one_line(error)
            return "died elsewhere" if "the process that tried it" in str(error) else word
        return "used"

    return once


def _use(file: Path, detector: str) -> None:
    """Load a file and run it on noise. Raises ModelError, DetectorError."""
    noise = np.random.default_rng(0)
    if detector:
        found = create_detector(detector, model_path=str(file))
        for shape in ((48, 48, 3), (480, 640, 3), (300, 200, 3)):
            found.detect(noise.integers(0, 256, shape, np.uint8))
        return
    name = file.with_suffix("").name
    card = json.loads((MODELS / f"{name}.json").read_text("utf-8"))
    card["files"] = {file.name: {"sha256": sha256_of(file), "temperature": 1.0}}
    file.with_suffix(".json").write_text(json.dumps(card), "utf-8")
    classifier = Classifier(file)
    for _ in range(3):
        classifier.probabilities(noise.integers(0, 256, classifier.card.crop.shape, np.uint8))


ROUNDS = [
    Round("classifier, LiteRT", model, (MODELS / f"{CLASSIFIER}.tflite", ""), 60.0),
    Round("classifier, ONNX", model, (MODELS / f"{CLASSIFIER}.onnx", ""), 60.0),
    Round("classifier, OpenCV's DNN", model, (MODELS / f"{CLASSIFIER}.onnx", "", True), 60.0),
    Round("detector, LiteRT", model, (MODELS / f"{SHORT_RANGE}.tflite", "blazeface"), 60.0),
    Round("detector, ONNX", model, (MODELS / f"{SHORT_RANGE}.onnx", "blazeface"), 60.0),
    Round("detector, cascade", model, (find_cascade(), "haar"), 60.0),
]
if yunet := os.environ.get("FER_ROS_YUNET"):
    ROUNDS.append(Round("detector, YuNet", model, (yunet, "yunet"), 60.0))

if __name__ == "__main__":
    sys.exit(run("model_files", __doc__, ROUNDS, seconds=120.0))
