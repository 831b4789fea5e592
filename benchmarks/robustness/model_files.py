# SPDX-License-Identifier: Apache-2.0
"""Damaged networks as classifiers and detectors: no one may end the process that loads it.

The files that ship, OpenCV's cascade and, with --yunet, YuNet are damaged by seeded flips of bits
and bytes, by cuts and by copied stretches; a card that fits lies beside each. One process loads
them one after the other and runs what is loaded on a picture. A crash, a hang and an error of more
than one line are failures. Ends with 1 when there was one.

    python -m benchmarks.robustness.model_files [--rounds 25] [--seed 1] [--yunet FILE]
"""

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from fer_ros import inference
from fer_ros.emotions.classifier import Classifier
from fer_ros.emotions.model_card import ModelError, sha256_of
from fer_ros.faces.detectors import DetectorError, create_detector
from fer_ros.faces.detectors.haar import find_cascade
from fer_ros.inference.shipped import MODELS

PATIENCE = 60.0  # seconds for one file
CLASSIFIERS = ("emotion_mobilenet_v2_small.tflite", "emotion_mobilenet_v2_small.onnx")
DETECTORS = {
    "face_detection_short_range.tflite": "blazeface",
    "face_detection_short_range.onnx": "blazeface",
}


def main() -> int:
    """Damage, load, count."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=25, help="damaged files of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--yunet", type=Path, help="a YuNet model's file")
    options = parser.parse_args()
    kinds = [(MODELS / name, "") for name in CLASSIFIERS]
    kinds.append((MODELS / CLASSIFIERS[1], "by OpenCV"))
    kinds += [(MODELS / name, detector) for name, detector in DETECTORS.items()]
    kinds.append((find_cascade(), "haar"))
    if options.yunet:
        kinds.append((options.yunet, "yunet"))
    print(f"seed {options.seed}, {options.rounds} of each kind")
    failures = 0
    for path, detector in kinds:
        counts, slowest = play(path, detector, options.rounds, options.seed)
        failures += sum(counts[word] for word in ("crash", "hang", "long error"))
        print(f"{path.name:34} {detector:10} {dict(counts)}, slowest {slowest:.1f} s", flush=True)
    print(f"{failures} failures; {resident():.0f} MB")
    return bool(failures)


def play(path: Path, detector: str, rounds: int, seed: int) -> tuple[Counter, float]:
    """What became of the damaged copies of one file, and the seconds of the slowest."""
    counts: Counter = Counter()
    slowest, start = 0.0, 0
    while start < rounds:
        ours, theirs = multiprocessing.get_context("spawn").Pipe()
        child = multiprocessing.get_context("spawn").Process(
            target=load_all, args=(theirs, path, detector, range(start, rounds), seed)
        )
        child.start()
        theirs.close()
        while start < rounds:
            try:
                word, seconds = ours.recv() if ours.poll(PATIENCE) else ("hang", PATIENCE)
            except EOFError:
                word, seconds = "crash", 0.0
            counts[word] += 1
            slowest = max(slowest, seconds)
            start += 1
            if word in ("crash", "hang"):
                print(f"  {word}: {path.name}, seed {seed}, number {start - 1}")
                child.kill()
                break
        child.join()
    return counts, slowest


def load_all(answers, path: Path, detector: str, numbers: range, seed: int) -> None:
    """The process that must not die: load each, and say what came of it."""
    original = path.read_bytes()
    if detector == "by OpenCV":
        inference.backend_of = lambda _: "opencv"
    with tempfile.TemporaryDirectory() as folder:
        for number in numbers:
            file = Path(folder, path.name)
            file.write_bytes(damaged(original, np.random.default_rng([seed, number])))
            began = time.monotonic()
            try:
                use(file, detector)
                word = "used"
            except (ModelError, DetectorError) as error:
                is_line = str(error).isprintable() and len(str(error)) < 700
                word = "refused" if is_line else "long error"
                if "the process that tried it" in str(error):
                    word = "died elsewhere"
                    print(f"  {word}: {error}; seed {seed}, number {number}")
            answers.send((word, time.monotonic() - began))
    answers.close()


def use(file: Path, detector: str) -> None:
    """Load a file and run it on noise. Raises ModelError, DetectorError."""
    noise = np.random.default_rng(0)
    if detector not in ("", "by OpenCV"):
        found = create_detector(detector, model_path=str(file))
        for shape in ((48, 48, 3), (480, 640, 3), (300, 200, 3)):
            found.detect(noise.integers(0, 256, shape, np.uint8))
        return
    name = file.with_suffix("").name
    card = json.loads((MODELS / f"{name}.json").read_text("utf-8"))
    card["files"] = {file.name: {"sha256": sha256_of(file), "temperature": 1.0}}
    file.with_suffix(".json").write_text(json.dumps(card), "utf-8")
    model = Classifier(file)
    for _ in range(3):
        model.probabilities(noise.integers(0, 256, model.card.crop.shape, np.uint8))


def damaged(data: bytes, random: np.random.Generator) -> bytes:
    """A file after a fall: bits or bytes of it changed, its end cut off, a stretch copied.

    Half of the changes lie in the first or the last 4 KB, where a format's structure is.
    """
    changed = bytearray(data)
    for _ in range(1 + int(random.integers(4) ** 2 * random.random())):
        at = int(random.integers(len(changed)))
        if random.random() < 0.5:
            near = int(random.integers(min(4096, len(changed))))
            at = near if random.random() < 0.5 else len(changed) - 1 - near
        match int(random.integers(4)):
            case 0:
                changed[at] ^= 1 << int(random.integers(8))
            case 1:
                changed[at] = int(random.choice([0, 1, 127, 128, 255]))
            case 2:
                length = int(random.integers(1, 64))
                other = int(random.integers(len(changed)))
                changed[at : at + length] = changed[other : other + length]
            case 3 if random.random() < 0.1:
                del changed[at:]
                changed += b"\0" * (not changed)
    return bytes(changed)


def resident() -> float:
    """The most that a child has held, MB."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
