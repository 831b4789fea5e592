# SPDX-License-Identifier: Apache-2.0
"""The pipeline of whichever version of fer_ros comes first on the path; see `versions`.

Run as a file, with pictures as arrays or a clip's name; prints one line of JSON. It uses nothing
but what every version has.
"""

import json
import sys
import time
from pathlib import Path

import cv2
import numpy as np

import fer_ros

try:
    from fer_ros.observation import Observation
    from fer_ros.parameters import create_pipeline
except ImportError:  # of 1.0.0
    from fer_ros.settings import create_pipeline

    Observation = None

PERIOD = 1 / 30  # seconds between two images' stamps


def results(images, **parameters):
    """Milliseconds of CPU, which a busy machine disturbs least, and the result of each image."""
    pipeline = create_pipeline(**parameters)
    for number, image in enumerate(images):
        stamp = number * PERIOD
        given = (Observation(image, stamp),) if Observation else (image, stamp)
        began = time.process_time()
        result = pipeline.process(*given)
        yield 1e3 * (time.process_time() - began), result


def images_of(path: str):
    """A clip's images, or those of an array, int [N, H, W, 3], four times over."""
    if path.endswith(".npy"):
        for _ in range(4):
            yield from np.load(path)
        return
    capture = cv2.VideoCapture(path)
    while (image := capture.read()[1]) is not None:
        yield image


def main(source: str, model: str) -> None:
    """Print milliseconds and faces of each image."""
    cv2.setNumThreads(1)
    took, faces = [], []
    for milliseconds, result in results(images_of(source), model=model):
        took.append(round(milliseconds, 3))
        faces.append(
            [
                [f.track_id, f.label, *(round(v, 1) for v in (f.box.x, f.box.y, f.box.width)),
                 *(round(float(p), 4) for p in f.probabilities)]
                for f in result.faces
            ]
        )  # fmt: skip
    print(json.dumps({"path": str(Path(fer_ros.__file__).parents[1]), "ms": took, "faces": faces}))


if __name__ == "__main__":
    main(*sys.argv[1:])
