# SPDX-License-Identifier: Apache-2.0
"""What distance, engagement and the sentence cost beside the pipeline: microseconds a face.

Of the same results, in turns: the pipeline as a whole (with distances by depth), the distance by a
face's width and by depth, engagement, what the sentence remembers, and the sentence itself.

    python -m benchmarks.speed.interaction [--rounds 300]
"""

import argparse
import time

import numpy as np
from tqdm import tqdm

from benchmarks.frames import make_frames
from benchmarks.report import describe, machine
from fer_ros.faces.distance import Ranging
from fer_ros.images.camera_model import CameraModel
from fer_ros.images.depth import DepthImage
from fer_ros.interaction.description import Narrator
from fer_ros.interaction.engagement import EngagementTracker
from fer_ros.observation import Observation
from fer_ros.parameters import create_pipeline

CAMERA = CameraModel(np.array([[600.0, 0, 320], [0, 600.0, 240], [0, 0, 1]]))
PERIOD = 1 / 30  # seconds between two images' stamps


def measure(faces: int, rounds: int) -> dict[str, float]:
    """Median microseconds a face of each part, with so many faces in the image."""
    images = make_frames(faces, "640x480")
    random = np.random.default_rng(0)
    depth = DepthImage(random.integers(800, 1200, images[0].shape[:2]).astype(np.uint16), 0.001)
    by_width, by_depth = Ranging(CAMERA), Ranging(CAMERA, depth)
    pipeline, tracker, narrator = create_pipeline(), EngagementTracker(), Narrator()

    def parts(result, now):
        boxes, seen = [face.box for face in result.faces], (result.faces, result.followed, now)
        return {
            "distance by width": lambda: [by_width.distance(box, result.shape) for box in boxes],
            "distance by depth": lambda: [by_depth.distance(box, result.shape) for box in boxes],
            "engagement": lambda: tracker.fill(*seen),
            "sentence, remembering": lambda: narrator.update(*seen),
            "sentence, once a second": narrator.sentence,
        }

    times: dict[str, list[float]] = {}
    for i in tqdm(range(rounds), desc=f"{faces} faces", leave=False):
        image, now = images[i % len(images)], 1 + i * PERIOD
        began = time.perf_counter()
        result = pipeline.process(Observation(image, now, None, CAMERA, depth))
        spent = {"pipeline": time.perf_counter() - began}
        calls = parts(result, now)
        for name in random.permutation(list(calls)):
            began = time.perf_counter()
            calls[name]()
            spent[name] = time.perf_counter() - began
        for name in ("pipeline", *calls):
            times.setdefault(name, []).append(1e6 * spent[name] / max(len(result.faces), 1))
    return {name: float(np.median(values)) for name, values in times.items()}


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=300, help="images (default: %(default)s)")
    options = parser.parse_args()
    print(describe(machine()))
    found = {faces: measure(faces, options.rounds) for faces in (1, 8)}
    print(f"{'us a face':24}{'1 face':>10}{'8 faces':>10}")
    for name in found[1]:
        print(f"{name:24}{found[1][name]:10.1f}{found[8][name]:10.1f}")


if __name__ == "__main__":
    main()
