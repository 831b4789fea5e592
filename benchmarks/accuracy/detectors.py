# SPDX-License-Identifier: Apache-2.0
"""Recall, false boxes and time of the face detectors, on photographs and on small copies.

Each photograph shows one face. It is tried at full size, at 1/2, 1/4 and 1/8, and the small copies
once more on a grey canvas of 640x480, as a camera sees a face from far away. Where the face is, is
the median of the detectors' answers at full size, after one for all models of the same detector, so
that many models do not outvote the others. A face is found when a framed box overlaps it by
half (intersection over union); every other box is false. Pictures without people, from
scikit-image, add to the false boxes. One thread, medians of the time.

    python -m benchmarks.accuracy.detectors --photos FOLDER --yunet yunet_2023mar.onnx
"""

import argparse
import json
import time
from collections import defaultdict
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np

from benchmarks.report import RESULTS
from fer_ros.faces.detectors import blazeface, haar, yunet
from fer_ros.faces.detectors.blazeface import BlazeFaceDetector
from fer_ros.faces.detectors.haar import HaarDetector
from fer_ros.faces.detectors.yunet import YuNetDetector
from fer_ros.inference.shipped import MODELS

REDUCTIONS = (1, 2, 4, 8)
CANVAS = (480, 640)
WITHOUT_PEOPLE = ("brick", "chelsea", "clock_motion", "coffee", "coins", "gravel",
                  "ihc", "moon", "motorcycle_left", "page", "rocket", "text")  # fmt: skip
DEFAULTS = {module.__name__.split(".")[-1]: module.SCORE_THRESHOLD
            for module in (haar, yunet, blazeface)}  # fmt: skip
THRESHOLDS = {
    "haar": (0.25, 0.5, 0.6, 0.7, 0.8, 0.9),
    "yunet": (0.3, 0.5, 0.6, 0.7, 0.8, 0.9),
    "blazeface": (0.2, 0.3, 0.4, 0.5, 0.6, 0.7),
}


def build_detectors(yunet_file: str) -> dict:
    """Detectors by label, their thresholds at the lowest to be tried; absent ones are named."""
    makers = {"haar": (HaarDetector, "")}
    if yunet_file:
        makers["yunet"] = (YuNetDetector, yunet_file)
    suffix = ".tflite" if find_spec("ai_edge_litert") else ".onnx"  # as the node chooses
    for path in sorted(MODELS.glob(f"face_detection_*{suffix}")):
        label = path.stem.replace("face_detection_", "blazeface ")
        makers[label] = (BlazeFaceDetector, str(path))
    return {
        label: maker(path, score_threshold=THRESHOLDS[maker.name][0])
        for label, (maker, path) in makers.items()
    }


def framed(detection, framing) -> np.ndarray:
    """The detection's square in FER-2013's framing, as x, y and side."""
    box = detection.box
    side = framing.side * box.width
    x = box.x + (box.width - side) / 2
    y = box.y + (box.height - side) / 2 + framing.down * box.width
    return np.array([x, y, side])


def overlap(a, b) -> float:
    """Intersection over union of two squares."""
    shared = [min(a[i] + a[2], b[i] + b[2]) - max(a[i], b[i]) for i in (0, 1)]
    both = max(shared[0], 0) * max(shared[1], 0)
    return both / (a[2] ** 2 + b[2] ** 2 - both)


def views(photo: np.ndarray):
    """Yield (view, image, reduction, left, top) of one photograph."""
    for reduction in REDUCTIONS:
        size = [max(1, round(n / reduction)) for n in photo.shape[1::-1]]
        small = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
        yield f"1/{reduction}", small, reduction, 0, 0
        height, width = small.shape[:2]
        if reduction > 1 and height <= CANVAS[0] and width <= CANVAS[1]:
            canvas = np.full((*CANVAS, 3), 127, np.uint8)
            top, left = (CANVAS[0] - height) // 2, (CANVAS[1] - width) // 2
            canvas[top : top + height, left : left + width] = small
            yield f"1/{reduction} VGA", canvas, reduction, left, top


def pictures_without_people() -> list:
    """Those of scikit-image's pictures that are installed, as BGR."""
    from skimage import data

    folder = Path(data.__file__).parent
    paths = [path for name in WITHOUT_PEOPLE for path in sorted(folder.glob(f"{name}.*"))]
    return [image for image in map(cv2.imread, map(str, paths)) if image is not None]


def timed(detector, image):
    """Return detect()'s answer and its milliseconds."""
    start = time.perf_counter()
    found = detector.detect(image)
    return found, 1e3 * (time.perf_counter() - start)


def locate(photo: np.ndarray, detectors: dict) -> np.ndarray:
    """Where the face is, as x, y and side: the median of what the detectors' models agree on."""
    squares = defaultdict(list)
    for detector in detectors.values():
        squares[detector.name] += [framed(d, detector.framing) for d in detector.detect(photo)[:1]]
    return np.median([np.median(own, axis=0) for own in squares.values() if own], axis=0)


def run(detectors: dict, photos: list, empty: list) -> list[dict]:
    """One record for each detector and view: the boxes' scores, right and wrong, and the time."""
    truth = [locate(photo, detectors) for photo in photos]
    records = []
    for label, detector in detectors.items():
        detector.detect(photos[0])
        for photo, face in zip(photos, truth, strict=True):
            for view, image, reduction, left, top in views(photo):
                found, ms = timed(detector, image)
                place = face / reduction + (left, top, 0)
                hits = [overlap(framed(d, detector.framing), place) >= 0.5 for d in found]
                right = hits.index(True) if True in hits else None
                records.append({
                    "detector": label,
                    "view": view,
                    "ms": ms,
                    "right": None if right is None else found[right].score,
                    "false": [d.score for i, d in enumerate(found) if i != right],
                })  # fmt: skip
        for image in empty:
            found, ms = timed(detector, image)
            scores = [d.score for d in found]
            records.append(
                {"detector": label, "view": "empty", "ms": ms, "right": None, "false": scores}
            )
    return records


def print_tables(records: list[dict]) -> None:
    """Print recall and false boxes by threshold, then recall and time by view, as Markdown."""
    labels = list(dict.fromkeys(r["detector"] for r in records))
    order = list(dict.fromkeys(r["view"] for r in records))
    print("| detector | threshold | faces found | false boxes, photographs | without people |")
    print("|---|---|---|---|---|")
    for label in labels:
        own = [r for r in records if r["detector"] == label]
        seen = [r for r in own if r["view"] != "empty"]
        for threshold in THRESHOLDS[label.split()[0]]:
            found = sum((r["right"] or -1) >= threshold for r in seen)
            false = [
                sum(score >= threshold for r in own if (r["view"] == "empty") is empty
                    for score in r["false"]) for empty in (False, True)
            ]  # fmt: skip
            print(f"| {label} | {threshold} | {found}/{len(seen)} | {false[0]} | {false[1]} |")
    print(f"\n| detector | {' | '.join(order)} |\n|---|{'---|' * len(order)}")
    for label in labels:
        default = DEFAULTS[label.split()[0]]
        cells = []
        for view in order:
            own = [r for r in records if (r["detector"], r["view"]) == (label, view)]
            found = sum((r["right"] or -1) >= default for r in own)
            recall = "" if view == "empty" else f"{found}/{len(own)}, "
            cells.append(f"{recall}{np.median([r['ms'] for r in own]):.1f} ms")
        print(f"| {label} | {' | '.join(cells)} |")


def main():
    """Measure, print and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True, help="folder, one face a picture")
    parser.add_argument("--yunet", default="", help="YuNet's model file; left out when not given")
    parser.add_argument("--out", type=Path, default=RESULTS / "detectors.json")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    photos = [cv2.imread(str(p)) for p in sorted(arguments.photos.glob("*.jpg"))]
    empty = pictures_without_people()
    print(f"OpenCV {cv2.__version__}, {len(photos)} photographs, {len(empty)} without people\n")
    records = run(build_detectors(arguments.yunet), photos, empty)
    print_tables(records)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(records, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
