# SPDX-License-Identifier: Apache-2.0
"""fer's own call beside our pipeline on the same camera images: milliseconds an image.

`FER().detect_emotions(image)`, with the quantised network that is its default and with its Keras
network, and `EmotionPipeline.process(image)` with our default detector and with the Haar cascade.
They take turns in rounds; every library has the threads that it takes by itself.

    .venv-bench/bin/python -m benchmarks.speed.fer_call [--quick]
"""

import argparse
import time
import warnings

import numpy as np
import tensorflow as tf
from fer.fer import FER
from tqdm import tqdm

from benchmarks.frames import SIZES, make_frames
from benchmarks.report import machine, save, summary
from benchmarks.tables import fer_call_table
from fer_ros.observation import Observation
from fer_ros.parameters import create_pipeline


def contenders() -> dict:
    """Name -> function: image, BGR uint8 -> the faces found in it."""
    found = {}
    for name in ("auto", "haar"):
        pipeline = create_pipeline(detector=name)
        label = f"fer_ros, {pipeline.detector.name}"
        found[label] = lambda image, p=pipeline: (
            p.process(Observation(image, time.monotonic())).faces
        )
    found["fer, its default"] = FER().detect_emotions
    found["fer, Keras"] = FER(use_tflite=False).detect_emotions
    return found


def measure(calls: dict, images: list, rounds: int, label: str) -> dict:
    """Milliseconds an image and the mean number of faces found, by contender."""
    times = {name: [] for name in calls}
    seen = {name: [] for name in calls}
    random = np.random.default_rng(0)
    for i in tqdm(range(-2, rounds), desc=label, leave=False):
        image = images[i % len(images)]
        for name in random.permutation(list(calls)):
            began = time.perf_counter()
            faces = calls[name](image)
            if i >= 0:
                times[name].append(1e3 * (time.perf_counter() - began))
                seen[name].append(len(faces))
    return {
        name: {"ms": summary(times[name]), "faces": round(float(np.mean(seen[name])), 2)}
        for name in calls
    }


def main():
    """Measure, print and write results/fer_call.json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a fifth of the rounds")
    parser.add_argument("--rounds", type=int, default=60, help="images (default: %(default)s)")
    parser.add_argument("--name", default="fer_call", help="of the JSON in results/")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", module="tensorflow|keras")
    tf.get_logger().setLevel("ERROR")
    rounds = max(1, options.rounds // 5 if options.quick else options.rounds)
    results = {"machine": machine(options.quick), "images": {}}
    calls = contenders()
    for size in SIZES:
        for faces in (1, 8):
            label = f"{size}, {faces} faces"
            images = make_frames(faces, size)
            results["images"][label] = measure(calls, images, rounds, label)
    save(options.name, results)
    print(fer_call_table(results))


if __name__ == "__main__":
    main()
