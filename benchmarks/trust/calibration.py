# SPDX-License-Identifier: Apache-2.0
"""How many readings are right, and how many quality and confidence say are.

PublicTest's pictures, which no shipped network has learnt from, through the whole pipeline (the
face found, cut out, read): as they are, by the mesh's yaw, and spoilt so that each flag goes up:
tilted, small, blurred, in bad light, covered, talking. The expression stays the label's. ``off``
is quality less the share that is right, with its 95% interval, by faces. With --votes right is what
most of FER+'s ten annotators said, on the rows where that is one of the seven.

Writes calibration.json.

    python -m benchmarks.trust.calibration --csv fer2013.csv.xz --votes fer2013new.csv
"""

import argparse
import csv
import itertools
import json
import lzma
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from benchmarks.report import RESULTS
from benchmarks.trust import acting, portraits
from fer_ros.emotions.classes import EMOTIONS
from fer_ros.faces.quality import Flag
from fer_ros.observation import Observation
from fer_ros.parameters import create_pipeline

SAID = {"confidence": 1, "quality": 2}  # columns of a table of readings
YAWS = (0, 10, 20, 30, 40, 90)  # degrees
FACE = 192  # pixels of a picture's side when it is spoilt
SEED = 0
VOTES = (
    "anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral",
    "contempt", "unknown", "NF",
)  # fmt: skip

Spoiler = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def by_flag(rows: np.ndarray) -> dict:
    """``summary`` of the readings with each flag, and with none."""
    flags = rows[:, 3].astype(int)
    groups = {str(flag.name).lower(): flags & flag > 0 for flag in Flag} | {"none": flags == 0}
    return summary(rows, groups)


def by_yaw(rows: np.ndarray) -> dict:
    """``summary`` of the readings by the mesh's yaw in degrees."""
    yaw = rows[:, 5]
    return summary(
        rows, {f"{a} to {b}": (yaw >= a) & (yaw < b) for a, b in itertools.pairwise(YAWS)}
    )


def summary(rows: np.ndarray, groups: dict[str, np.ndarray]) -> dict:
    """Of the readings of each group: how many, of how many faces, the share that is right, mean
    confidence and quality, what quality is off by, and half of that figure's 95% interval.

    Args:
        rows: float [N, >= 5]: right (0 or 1), confidence, quality, flags, number of the face.
        groups: name -> bool [N].
    """
    found = {}
    for name, those in groups.items():
        some = rows[those]
        if not len(some):
            continue
        _, faces = np.unique(some[:, 4], return_inverse=True)
        off = some[:, SAID["quality"]] - some[:, 0]
        # The readings of one face are no more than one witness.
        spread = np.bincount(faces, off - off.mean())
        found[name] = {
            "readings": len(some),
            "faces": len(spread),
            "right": some[:, 0].mean(),
            **{what: some[:, column].mean() for what, column in SAID.items()},
            "off": off.mean(),
            "interval": 1.96 * math.sqrt((spread**2).sum()) / len(some),
        }
    return found


def print_flags(title: str, found: dict) -> None:
    """A table of what ``summary`` found."""
    print(f"\n| {title} | readings | faces | right | quality | confidence | off |")
    print("|---|---|---|---|---|---|---|")
    for name, row in found.items():
        cells = (f"{row[key]:.3f}" for key in ("right", "quality", "confidence"))
        off = f"{row['off']:+.3f} ± {row['interval']:.3f}"
        print(f"| {name} | {row['readings']} | {row['faces']} | {' | '.join(cells)} | {off} |")


def public_test(path: str) -> tuple[np.ndarray, np.ndarray]:
    """PublicTest's pictures, uint8 [N, 48, 48], and classes."""
    opener = lzma.open if path.endswith(".xz") else open
    with opener(path, "rt") as file:
        lines = [line.rstrip().split(",") for line in file if line.rstrip().endswith("PublicTest")]
    images = np.array([np.array(pixels.split(), np.uint8) for _, pixels, _ in lines])
    return images.reshape(-1, 48, 48), np.array([int(emotion) for emotion, *_ in lines])


def by_majority(path: str) -> np.ndarray:
    """What most annotators said of PublicTest's pictures: classes, -1 where it is none or a tie."""
    with Path(path).open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["Usage"] == "PublicTest"]
    votes = np.array([[int(row[column]) for column in VOTES] for row in rows])
    most = votes.max(axis=1, keepdims=True)
    alone = (votes == most).sum(axis=1) == 1
    return np.where(alone & (votes.argmax(axis=1) < len(EMOTIONS)), votes.argmax(axis=1), -1)


def spoilers() -> Iterator[tuple[Flag, Spoiler]]:
    """What brings up a flag: BGR pictures of a face in their middle, and a generator."""
    yield Flag.TILTED, _tilted
    yield Flag.SMALL, _small
    yield Flag.BLURRED, _blurred
    yield Flag.BADLY_LIT, _badly_lit
    yield Flag.COVERED, _covered


def readings(pipeline, images, classes, spoil: Spoiler | None = None) -> np.ndarray:
    """Float [N, 6] of pictures, each by itself: right, confidence, quality, flags, number, yaw."""
    rows = []
    what = spoil.__name__.strip("_") if spoil else "as they are"
    for number, (small, label) in enumerate(zip(tqdm(images, desc=what), classes, strict=True)):
        image = portraits.enlarged(small)
        if spoil:
            image = spoil(image, np.random.default_rng((SEED, number)))
        pipeline.reset()
        faces = pipeline.process(Observation(image, 1.0)).faces[:1]
        rows += [_row(face, label, number) for face in faces]
    return np.array(rows, float).reshape(-1, 6)


def talk(pipeline, images, classes, seconds: float = 3.0) -> np.ndarray:
    """The same of pictures that are made to talk, image by image."""
    rows = []
    for portrait in portraits.of_rows(images, classes):
        number = int(portrait.name)
        pipeline.reset()
        for stamp, _, image in acting.film(portrait, "talk", number, seconds):
            faces = pipeline.process(Observation(image, 1 + stamp)).faces[:1]
            rows += [_row(face, classes[number], number) for face in faces]
    return np.array(rows, float).reshape(-1, 6)


def _row(face, label, number):
    right = int(face.probabilities.argmax()) == label
    yaw = abs(math.degrees(face.pose.yaw))
    return right, face.confidence, face.quality, face.quality_flags, number, yaw


def _tilted(image, random):
    degrees = random.choice((-1, 1)) * random.uniform(25, 50)
    middle = tuple(np.array(image.shape[1::-1]) / 2)
    turn = cv2.getRotationMatrix2D(middle, degrees, 1)
    return cv2.warpAffine(image, turn, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)


def _small(image, random):
    scale = random.uniform(14, 28) / FACE
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def _blurred(image, random):
    if random.random() < 0.5:
        return cv2.GaussianBlur(image, (0, 0), random.uniform(4, 14))
    way = np.zeros((61, 61), np.float32)  # of a face that moves while the shutter is open
    half, angle = random.uniform(8, 30), random.uniform(0, math.pi)
    ends = [
        np.round(30 + sign * half * np.array((math.cos(angle), math.sin(angle))))
        for sign in (-1, 1)
    ]
    cv2.line(way, *(tuple(map(int, end)) for end in ends), 1)
    return cv2.filter2D(image, -1, way / way.sum(), borderType=cv2.BORDER_REPLICATE)


def _badly_lit(image, random):
    if random.random() < 0.5:
        dark = random.uniform(0.04, 0.3) * image.astype(np.float32)
        return np.clip(dark + random.normal(0, 2, dark.shape), 0, 255).astype(np.uint8)
    return np.clip(random.uniform(1.5, 4) * image.astype(np.float32), 0, 255).astype(np.uint8)


def _covered(image, random):
    """A hand, or a mask: an even patch over an eye, or over the mouth."""
    x, y = ((0.3, 0.4), (0.7, 0.4), (0.5, 0.78))[random.integers(3)]
    middle = (round(FACE * (0.5 + x)), round(FACE * (0.5 + y)))
    size = round(FACE * random.uniform(0.2, 0.3)), round(FACE * random.uniform(0.15, 0.22))
    shade = tuple(map(float, np.median(image, axis=(0, 1)) * random.uniform(0.7, 1.2)))
    return cv2.ellipse(image.copy(), middle, size, 0, 0, 360, shade, -1, cv2.LINE_AA)


def main():
    """Measure, print, write JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--csv", required=True, help="fer2013.csv or .csv.xz")
    parser.add_argument("--votes", help="FER+'s fer2013new.csv: its majority says what is right")
    parser.add_argument("--rows", type=int, default=3589, help="of it (default: %(default)s)")
    parser.add_argument("--talking", type=int, default=300, help="of these, that are made to talk")
    out = RESULTS
    parser.add_argument("--out", type=Path, default=out, help="folder (default: %(default)s)")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    pipeline = create_pipeline(min_quality=0.0)
    images, classes = public_test(options.csv)
    if options.votes:
        classes = by_majority(options.votes)
        images, classes = images[classes >= 0], classes[classes >= 0]
    chosen = np.random.default_rng(SEED).permutation(len(images))[: options.rows]
    images, classes = images[chosen], classes[chosen]

    plain = readings(pipeline, images, classes)
    whole = {"all": np.ones(len(plain), bool)}
    result = {"all": summary(plain, whole), "yaw": by_yaw(plain), "flags": by_flag(plain)}
    spoilt = result["spoilt"] = {}
    some = options.talking
    for flag, rows in itertools.chain(
        ((flag, readings(pipeline, images, classes, spoil)) for flag, spoil in spoilers()),
        [(Flag.TALKING, talk(pipeline, images[:some], classes[:some]))],
    ):
        up = rows[:, 3].astype(int) & flag > 0
        name = str(flag.name).lower()
        spoilt |= summary(rows, {name: up, f"not {name}": ~up})
    print_flags("PublicTest", result["all"] | result["flags"])
    print_flags("by yaw, degrees", result["yaw"])
    print_flags("spoilt", spoilt)
    (options.out / "calibration.json").write_text(json.dumps(result, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
