# SPDX-License-Identifier: Apache-2.0
"""What LiteRT gains: the whole pipeline with it, and as it is where LiteRT is not installed: by
ONNX Runtime where that is, and by OpenCV.

All take the same images of 640x480 at stamps of 30 Hz by turns, one image each, with one thread.

    PYTHONPATH=.:~/litert /usr/bin/python3 -m benchmarks.speed.backends     # beside apt's OpenCV
"""

import argparse
import importlib.util
import time
from unittest import mock

import cv2
import numpy as np
from tqdm import tqdm

from benchmarks.excerpts import backends
from benchmarks.frames import make_frames
from benchmarks.report import machine, save, summary
from fer_ros.observation import Observation
from fer_ros.parameters import create_pipeline

FACES = (0, 1, 4, 8)
PERIOD = 1 / 30  # seconds between two images' stamps


def pipelines() -> dict:
    """A pipeline by each of what runs networks here."""
    real, found = importlib.util.find_spec, {"LiteRT": create_pipeline()}
    hidden = ["ai_edge_litert"]
    with mock.patch("importlib.util.find_spec", lambda n: None if n in hidden else real(n)):
        if real("onnxruntime"):
            found["ONNX Runtime"] = create_pipeline()
        hidden.append("onnxruntime")
        found["OpenCV"] = create_pipeline()
    return found


def measure(faces: int, images: int) -> dict:
    """Milliseconds an image: median, mean and more, by backend."""
    runs, frames = pipelines(), make_frames(faces, "640x480")
    times = {name: [] for name in runs}
    for i in tqdm(range(-5, images), desc=f"{faces} faces", leave=False):
        for name, pipeline in runs.items():
            began = time.perf_counter()
            pipeline.process(Observation(frames[i % len(frames)], 10 + i * PERIOD))
            if i >= 0:
                times[name].append(1e3 * (time.perf_counter() - began))
    return {n: summary(taken) | {"mean": float(np.mean(taken))} for n, taken in times.items()}


def main():
    """Measure, print and write results/backends.json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=300, help="(default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="60 images")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    found = {str(faces): measure(faces, 60 if options.quick else options.images) for faces in FACES}
    save("backends", {"machine": machine(options.quick), "faces": found})
    print(backends())


if __name__ == "__main__":
    main()
