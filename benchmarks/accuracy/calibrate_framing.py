# SPDX-License-Identifier: Apache-2.0
"""The framing of each detector: from its box to the square that FER-2013 shows.

FER-2013's own pictures, enlarged three times and set into a canvas whose border repeats theirs,
are given to the detector. Where its box lies inside the 48x48 picture gives the framing: `side` is
48 over the width of the box, `down` the way from the box's centre to the picture's over that width,
medians over a random sample of Training rows; to compare, the same with the eyes for the box.
With a model, PublicTest rows and photographs are detected, cropped and classified at several sides.

    .venv-bench/bin/python -m benchmarks.accuracy.calibrate_framing \
        --csv fer2013.csv.xz [--yunet yunet.onnx]
"""

import argparse
import csv
import math
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from fer_training.dataset import Faces, load

from fer_ros.emotions.classes import EMOTIONS
from fer_ros.emotions.classifier import Classifier
from fer_ros.faces.crop import crop_face, roll
from fer_ros.faces.detectors import Framing, create_detector
from fer_ros.result import Box

ENLARGEMENT = 3
BORDER = 48  # pixels around the enlarged picture
# What calibrate() gives for the eyes: kept here to be judged against the box.
BY_EYES = {"yunet": Framing(2.92, 0.32), "blazeface": Framing(2.73, 0.32)}
SIDES = (0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.2)


def sample(faces: Faces, count: int) -> Faces:
    """A random sample of so many faces."""
    return faces.select(np.random.default_rng(0).permutation(len(faces))[:count])


def embed(picture: np.ndarray) -> np.ndarray:
    """Set a 48x48 picture into a canvas that a detector can search, BGR."""
    size = 48 * ENLARGEMENT
    canvas = cv2.resize(picture, (size, size), interpolation=cv2.INTER_CUBIC)
    canvas = cv2.copyMakeBorder(canvas, *[BORDER] * 4, cv2.BORDER_REPLICATE)
    return cv2.cvtColor(canvas, cv2.COLOR_GRAY2BGR)


def box_anchor(detection) -> tuple:
    """Centre and size of the box, direction down the face: what crop_face uses."""
    return *detection.box.centre, detection.box.width, roll(detection)


def eye_anchor(detection) -> tuple:
    """The point between the eyes, their distance, and the direction down the face."""
    (left_x, left_y), (right_x, right_y) = detection.eyes
    distance = math.hypot(right_x - left_x, right_y - left_y)
    return (left_x + right_x) / 2, (left_y + right_y) / 2, distance, roll(detection)


def fit(anchors: np.ndarray) -> tuple[float, float, float, float]:
    """Return side, down, and what they leave: median shift in 48ths, spread of log size.

    `anchors` [N, 4] are x, y and size in pixels of the 48x48 picture and the roll in radians.
    """
    x, y, size, angle = anchors.T
    side = float(np.median(48 / size))
    along = (24 - x) * -np.sin(angle) + (24 - y) * np.cos(angle)
    down = float(np.median(along / size))
    shift = np.hypot(x - down * size * np.sin(angle) - 24, y + down * size * np.cos(angle) - 24)
    log_size = np.log(size)
    spread = 1.4826 * np.median(np.abs(log_size - np.median(log_size)))
    return side, down, float(np.median(shift)), float(spread)


def detect_best(detector, image):
    """The best detection or None."""
    return next(iter(detector.detect(image)), None)


def calibrate(detectors, pictures) -> None:
    """Print the fitted framing of each detector, by box and by eyes."""
    print("| detector | found | by | side | down | shift left, px of 48 | spread of size |")
    print("|---|---|---|---|---|---|---|")
    for detector in detectors:
        found = [d for p in pictures if (d := detect_best(detector, embed(p)))]
        ways = {"box": box_anchor} | ({"eyes": eye_anchor} if found[0].eyes else {})
        for way, anchor in ways.items():
            anchors = np.array([anchor(d) for d in found])
            anchors[:, :2] = (anchors[:, :2] - BORDER) / ENLARGEMENT
            anchors[:, 2] /= ENLARGEMENT
            side, down, shift, spread = fit(anchors)
            print(
                f"| {detector.name} | {len(found) / len(pictures):.1%} | {way} | {side:.3f} "
                f"| {down:+.3f} | {shift:.2f} | {100 * (math.exp(spread) - 1):.0f} % |"
            )


def scaled(framing, factor):
    """The framing with its side times `factor`."""
    return framing._replace(side=framing.side * factor)


def eye_box(detection):
    """The detection with a square around the point between the eyes, as wide as they are apart."""
    x, y, size, _ = eye_anchor(detection)
    return replace(detection, box=Box(x - size / 2, y - size / 2, size, size))


def judge_rows(detectors, model, pictures, labels) -> None:
    """Print the accuracy on rows of the data set, as they are and cropped anew."""
    sides = " | ".join(map(str, SIDES))
    print(f"\n| PublicTest, side times | as it is | {sides} | 1.0, not turned | by eyes |")
    print(f"|---|{'---|' * (len(SIDES) + 3)}")
    for detector in detectors:
        rows = zip(pictures, map(embed, pictures), labels, strict=True)
        found = [(p, c, d, k) for p, c, k in rows if (d := detect_best(detector, c))]
        framing = detector.framing
        ways = [lambda picture, canvas, detection: picture]
        ways += [partial(crop_again, framing=scaled(framing, side)) for side in SIDES]
        ways += [partial(crop_again, framing=framing, upright=False)]
        if detector.name in BY_EYES:
            ways += [partial(crop_again, framing=BY_EYES[detector.name], by_eyes=True)]
        accuracies = [
            np.mean([np.argmax(model.probabilities(way(p, c, d))) == k for p, c, d, k in found])
            for way in ways
        ]
        shown = " | ".join(f"{accuracy:.1%}" for accuracy in accuracies)
        shown += "" if detector.name in BY_EYES else " | -"
        print(f"| {detector.name} ({len(found)} rows) | {shown} |")


def crop_again(picture, canvas, detection, framing, upright=True, by_eyes=False):
    """The crop that the run time would make of an embedded picture."""
    face = eye_box(detection) if by_eyes else detection
    return crop_face(canvas, face, framing, upright=upright)


def judge_photos(detectors, model, folder: Path) -> None:
    """Print how many photographs get an accepted label, by side: the first half, the second."""
    with (folder / "labels.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    images = [cv2.imread(str(folder / row["file"])) for row in rows]
    half = len(rows) // 2
    print(f"\n| photographs, side times | {' | '.join(map(str, SIDES))} |")
    print(f"|---|{'---|' * len(SIDES)}")
    for detector in detectors:
        found = [detect_best(detector, image) for image in images]
        cells = []
        for factor in SIDES:
            right = []
            for image, detection, row in zip(images, found, rows, strict=True):
                crop = crop_face(image, detection, scaled(detector.framing, factor))
                label = EMOTIONS[int(np.argmax(model.probabilities(crop)))]
                right.append(label in row["acceptable"].split("|"))
            cells.append(f"{sum(right[:half])} + {sum(right[half:])}")
        print(f"| {detector.name} | {' | '.join(cells)} |")


def main():
    """Calibrate, and judge where a model is given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--csv", type=Path, required=True, help="fer2013.csv, .csv.xz or .zip")
    parser.add_argument("--yunet", default="", help="YuNet's model file; left out when not given")
    parser.add_argument("--rows", type=int, default=2000, help="rows to try (default: %(default)s)")
    parser.add_argument("--model", type=Path, help="classifier to judge the framing with")
    parser.add_argument("--photos", type=Path, help="folder of photographs with labels.csv")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    detectors = [create_detector("haar"), create_detector("blazeface")]
    if arguments.yunet:
        detectors.insert(1, create_detector("yunet", model_path=arguments.yunet))
    faces = load(arguments.csv)
    calibrate(detectors, sample(faces.of("Training"), arguments.rows).images)
    if arguments.model:
        model = Classifier(arguments.model)
        rows = sample(faces.of("PublicTest"), arguments.rows)
        judge_rows(detectors, model, rows.images, rows.labels)
        if arguments.photos:
            judge_photos(detectors, model, arguments.photos)


if __name__ == "__main__":
    main()
