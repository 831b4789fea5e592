# SPDX-License-Identifier: Apache-2.0
"""The pipeline that follows faces by the mesh beside the one that detects in every image.

Both take the same images of 640x480 at stamps of 30 Hz by turns, one image each, with 0, 1, 2, 4,
8 and 16 faces. Since the detector runs seldom, the mean counts as well as the median.

    python -m benchmarks.speed.following [--quick]
"""

import argparse
import time

import numpy as np
from tqdm import tqdm

from benchmarks.frames import make_frames
from benchmarks.report import machine, save, summary
from benchmarks.tables import following_table
from fer_ros.observation import Observation
from fer_ros.parameters import create_pipeline

FACES = (0, 1, 2, 4, 8, 16)
PERIOD = 1 / 30  # seconds between two images' stamps


def measure(faces: int, images: int) -> dict:
    """Milliseconds an image and processor seconds a second of video, by face_mesh."""
    pipelines = {mode: create_pipeline(face_mesh=mode) for mode in ("off", "auto")}
    frames = make_frames(faces, "640x480")
    times = {mode: [] for mode in pipelines}
    seen = {mode: [] for mode in pipelines}
    used = dict.fromkeys(pipelines, 0.0)
    for i in tqdm(range(-5, images), desc=f"{faces} faces", leave=False):
        for mode, pipeline in pipelines.items():
            wall, cpu = time.perf_counter(), time.process_time()
            result = pipeline.process(Observation(frames[i % len(frames)], 10 + i * PERIOD))
            if i >= 0:
                used[mode] += time.process_time() - cpu
                times[mode].append(1e3 * (time.perf_counter() - wall))
                seen[mode].append(len(result.faces))
    return {
        mode: summary(times[mode])
        | {
            "mean": float(np.mean(times[mode])),
            "cpu": used[mode] / (images * PERIOD),
            "faces": float(np.mean(seen[mode])),
        }
        for mode in pipelines
    }


def main():
    """Measure, print and write results/following.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a third of the images")
    parser.add_argument("--images", type=int, default=300, help="(default: %(default)s)")
    options = parser.parse_args()
    images = options.images // 3 if options.quick else options.images
    results = {"machine": machine(options.quick), "faces": {}}
    for faces in FACES:
        results["faces"][str(faces)] = measure(faces, images)
    save("following", results)
    print(following_table(results))


if __name__ == "__main__":
    main()
