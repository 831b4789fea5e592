# SPDX-License-Identifier: Apache-2.0
"""How often what lives is flagged STILL, and what is a picture is not.

Clips of living people, and each portrait of the package as a camera sees it on a wall: the same
picture for 15 seconds at 30 Hz under noise of a standard deviation of 0 to 8 grey levels, as JPEG.
Printed beside: the largest and the smallest range of each measure in 5 seconds.

    python -m benchmarks.trust.still clips/*.mp4
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from benchmarks.report import save, table
from fer_ros.faces import stillness
from fer_ros.faces.quality import Flag
from fer_ros.observation import Observation
from fer_ros.parameters import create_pipeline
from fer_ros.sources.recorded import open_recorded
from fer_ros.sources.sample import Sample

SECONDS, RATE = 15, 30.0


def on_a_wall(noise: float):
    """Images of a picture that hangs there: stamp in seconds, BGR."""
    random, picture = np.random.default_rng(0), Sample()[0]
    for i in range(int(SECONDS * RATE)):
        noisy = np.clip(picture + random.normal(0, noise, picture.shape), 0, 255).astype(np.uint8)
        yield i / RATE, cv2.imdecode(cv2.imencode(".jpg", noisy)[1], cv2.IMREAD_COLOR)


def film(path: Path):
    """Images of a clip: stamp in seconds, BGR."""
    for i, image in enumerate(open_recorded(str(path), log=lambda _: None)):
        yield i / RATE, image


def look(images) -> list:
    """Faces in images, those flagged, and the least, median and largest ranges."""
    pipeline = create_pipeline()
    total, flagged, ranges = 0, 0, []
    tracks: dict[int, list] = {}
    for stamp, image in images:
        for face in pipeline.process(Observation(image, 100 + stamp)).faces:
            total += 1
            flagged += bool(face.quality_flags & Flag.STILL)
            if face.points is None:
                continue
            track = tracks.setdefault(face.track_id, [])
            scale = track[0][2] if track else stillness.scale_of(face.points)
            track.append((stamp, stillness.measures(face.points, scale), scale))
            window = [m for t, m, _ in track if t > stamp - stillness.WINDOW]
            if track[0][0] <= stamp - stillness.WINDOW:
                ranges.append(np.ptp(window, axis=0))
    shown = np.percentile(ranges, (0, 50, 100), axis=0).round(4).tolist() if ranges else []
    return [total, flagged, *(" ".join(map(str, row)) for row in shown)]


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", nargs="*", type=Path)
    clips = parser.parse_args().clips
    rows = [[path.name, *look(film(path))] for path in clips]
    rows += [[f"on a wall, noise {noise}", *look(on_a_wall(noise))] for noise in (0, 2, 4, 8)]
    head = ["", "faces in images", "STILL", "least range", "median", "largest"]
    print(table(head, [row + [""] * (len(head) - len(row)) for row in rows]))
    save("still", {row[0]: {"faces": row[1], "still": row[2]} for row in rows})


if __name__ == "__main__":
    main()
