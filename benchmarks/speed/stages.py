# SPDX-License-Identifier: Apache-2.0
"""Each stage of the work alone, and the whole without ROS: milliseconds an image.

Decode, detect, crop, classify, track and smooth, judge, annotate, encode, for 0 to 8 faces at
640x480 and 1920x1080, with each detector and each backend of the classifier that is installed. The
stages take turns in rounds, one image each, so that noise meets all of them alike. OpenCV has as
many threads as in the node, LiteRT one. "pipeline" is the floor that no node can beat:
EmotionPipeline.process with the detector and the model that the node takes by default. "pipeline,
judging nothing" is the same without quality and engagement.

    python -m benchmarks.speed.stages [--quick] [--yunet face_detection_yunet_2023mar.onnx]
"""

import argparse
import time
from types import SimpleNamespace
from unittest.mock import patch

import cv2
import numpy as np
from tqdm import tqdm

from benchmarks.frames import SIZES, make_frames
from benchmarks.report import machine, save, summary
from benchmarks.tables import stages_table
from fer_ros.drawing import annotate
from fer_ros.emotions.classifier import Classifier
from fer_ros.emotions.model_card import ModelError
from fer_ros.emotions.smoothing import Smoother
from fer_ros.faces.crop import crop_face
from fer_ros.faces.detectors import DetectorError, create_detector
from fer_ros.faces.quality import Flag, QualityMeter, Reading, quality_of
from fer_ros.faces.tracker import Tracker
from fer_ros.images.codec import decode_compressed, decode_image, encode_image, encode_jpeg
from fer_ros.inference.shipped import MODELS
from fer_ros.observation import Observation
from fer_ros.parameters import create_pipeline

FACES = (0, 1, 4, 8)
PERIOD = 1 / 30  # seconds between two images' stamps


def open_detectors(yunet: str) -> dict:
    """Detectors by name; those that are not there are named."""
    found = {}
    for name, path in (("blazeface", ""), ("yunet", yunet), ("haar", "")):
        try:
            found[name] = create_detector(name, model_path=path)
        except DetectorError as error:
            print(f"left out: {error}")
    return found


def open_classifiers() -> dict:
    """The built-in models by backend."""
    found = {}
    for path in sorted(MODELS.glob("emotion_*.tflite")) + sorted(MODELS.glob("emotion_*.onnx")):
        try:
            classifier = Classifier(path)
        except ModelError as error:
            print(f"left out: {error}")
        else:
            found[f"{classifier.backend_name} {path.stem}"] = classifier
    return found


class Blind:
    """In the place of a QualityMeter and an EngagementTracker: looks at nothing."""

    def read(self, *_):
        """Nothing is amiss."""
        return Reading(Flag(0), restless=False)

    def fill(self, faces, *_):
        """The faces as they are."""
        return tuple(faces)

    def keep(self, _):
        """Nothing is remembered."""


class Turns:
    """The stages of one kind of image, each a function of the image's number."""

    def __init__(self, images, detectors, classifiers):
        self.images = images
        self.raw = [as_message(image, "bgr8") for image in images]
        self.yuyv = [as_yuyv(image) for image in images]
        self.jpegs = [SimpleNamespace(data=encode_jpeg(i, 80), format="jpeg") for i in images]
        self.detectors, self.classifiers = detectors, classifiers
        self.best = next(iter(detectors.values()))
        self.found = [self.best.detect(image) for image in images]
        self.crops = [self._crop(i) for i in range(len(images))]
        self.tracker, self.smoother, self.now = Tracker(), Smoother(), 0.0
        self.meter = QualityMeter()
        self.pipeline = create_pipeline()
        with patch.multiple("fer_ros.pipeline", QualityMeter=Blind, EngagementTracker=Blind):
            self.blind = create_pipeline()
        self.results = [self.pipeline.process(Observation(image, 0.0)) for image in images]

    def stages(self) -> dict:
        """Name -> function of the image's number."""
        stages = {
            "decode bgr8": lambda i: decode_image(self.raw[i]),
            "decode yuv422_yuy2": lambda i: decode_image(self.yuyv[i]),
            "decode JPEG": lambda i: decode_compressed(self.jpegs[i]),
        }
        for name, detector in self.detectors.items():
            stages[f"detect {name}"] = lambda i, d=detector: d.detect(self.images[i])
        stages["crop"] = self._crop
        for name, classifier in self.classifiers.items():
            stages[f"classify {name}"] = lambda i, c=classifier: [
                c.probabilities(crop) for crop in self.crops[i]
            ]
        stages["track and smooth"] = self._track
        stages["quality"] = self._judge
        stages["annotate"] = lambda i: annotate(self.results[i])
        stages["encode JPEG"] = lambda i: encode_jpeg(self.images[i])
        stages["pipeline, judging nothing"] = lambda i: self._process(i, self.blind)
        stages["pipeline"] = lambda i: self._process(i, self.pipeline)
        return stages

    def _crop(self, i):
        framing = self.best.framing
        return [crop_face(self.images[i], d, framing) for d in self.found[i]]

    def _track(self, i):
        self.now += PERIOD
        ids = self.tracker.update([d.box for d in self.found[i]], self.now)
        for track, face in zip(ids, self.results[i].faces, strict=True):
            self.smoother.update(track, face.raw_probabilities, self.now)
        self.smoother.keep(self.tracker.ids)

    def _judge(self, i):
        for face, crop in zip(self.results[i].faces, self.crops[i], strict=False):
            flags, _ = self.meter.read(
                face.track_id, face.box.width, crop, face.pose, face.points, self.now
            )
            quality_of(face.confidence, flags)

    def _process(self, i, pipeline):
        self.now += PERIOD
        return pipeline.process(Observation(self.images[i], self.now))


def as_message(image: np.ndarray, encoding: str) -> SimpleNamespace:
    """The fields of sensor_msgs/Image, without ROS."""
    data, step = encode_image(image, encoding)
    height, width = image.shape[:2]
    fields = {"height": height, "width": width, "step": step, "is_bigendian": 0}
    return SimpleNamespace(data=data.tobytes(), encoding=encoding, **fields)


def as_yuyv(image: np.ndarray) -> SimpleNamespace:
    """A YUYV image as usb_cam sends it; what it shows plays no part."""
    height, width = image.shape[:2]
    data = np.ascontiguousarray(image[..., :2]).tobytes()
    fields = {"height": height, "width": width, "step": 2 * width, "is_bigendian": 0}
    return SimpleNamespace(data=data, encoding="yuv422_yuy2", **fields)


def measure(turns: Turns, rounds: int, label: str) -> dict:
    """Milliseconds by stage, and the number of faces that the pipeline saw."""
    stages = turns.stages()
    times = {name: [] for name in stages}
    random = np.random.default_rng(0)
    for i in tqdm(range(-2, rounds), desc=label, leave=False):
        for name in random.permutation(list(stages)):
            began = time.perf_counter()
            stages[name](i % len(turns.images))
            if i >= 0:
                times[name].append(1e3 * (time.perf_counter() - began))
    seen = sorted({len(result.faces) for result in turns.results})
    return {"faces_seen": seen} | {name: summary(values) for name, values in times.items()}


def parse():
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a fifth of the rounds")
    parser.add_argument("--rounds", type=int, default=100, help="images (default: %(default)s)")
    parser.add_argument("--yunet", default="", help="YuNet's model file; left out when not given")
    parser.add_argument("--name", default="stages", help="of the JSON in results/")
    return parser.parse_args()


def main():
    """Measure, print and write results/stages.json."""
    options = parse()
    rounds = max(1, options.rounds // 5 if options.quick else options.rounds)
    found = machine(options.quick) | {"opencv_threads": cv2.getNumThreads()}
    results = {"machine": found, "images": {}}
    detectors, classifiers = open_detectors(options.yunet), open_classifiers()
    for size in SIZES:
        for faces in FACES:
            label = f"{size}, {faces} faces"
            turns = Turns(make_frames(faces, size), detectors, classifiers)
            results["images"][label] = measure(turns, rounds, label)
    save(options.name, results)
    print(stages_table(results))


if __name__ == "__main__":
    main()
