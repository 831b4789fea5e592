# SPDX-License-Identifier: Apache-2.0
"""This version and another one, by turns: what images take, and whether results are the same.

The other one is a checkout of this repository, with one environment for both. Times: the pipeline
alone on one and on eight faces of 640x480, and emotion_node over DDS at 30 Hz; each round measures
one version right after the other, the first by turns, and the median over the rounds of the ratio
"this / other" is what counts. With clips: how many images differ in their faces, ids and labels,
and by how much the probabilities do, both with the other version's model.

    git clone . /tmp/other && git -C /tmp/other checkout 4623fb8
    python -m benchmarks.speed.versions /tmp/other [--rounds 5] [--clips FOLDER]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
from tqdm import tqdm

from benchmarks.frames import make_frames
from benchmarks.processes import REPOSITORY
from benchmarks.report import machine, save
from benchmarks.speed.node import Scenario, measure
from fer_ros.sources.recorded import by_number

MODEL = "fer_ros/models/emotion_mobilenet_v2.tflite"
TOLERANCE = 0.001
"""A probability that differs by less is the same: sums may be made in another order."""


def run(checkout: Path, source: Path, model: Path) -> dict:
    """What `one_version` says of one source."""
    environment = os.environ | {"PYTHONPATH": str(checkout), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, str(Path(__file__).with_name("one_version.py")), source, model]
    found = subprocess.run(
        command, env=environment, cwd="/", capture_output=True, text=True, check=True
    )
    said = json.loads(found.stdout.splitlines()[-1])
    assert Path(said["path"]) == checkout, said["path"]
    return said


def node(checkout: Path) -> list[str]:
    """The command that starts emotion_node of a checkout."""
    start = [sys.executable, "-m", "fer_ros.nodes.emotion_node"]
    return ["env", "-C", str(checkout), f"PYTHONPATH={checkout}", *start]


def differences(these: list, others: list) -> dict:
    """How many images differ, in what, and by how much."""
    found, most = Counter(images=max(len(these), len(others))), 0.0
    for one, other in zip(these, others, strict=True):
        if len(one) != len(other):
            found["other faces"] += 1
            continue
        found["other ids"] += [f[0] for f in one] != [f[0] for f in other]
        found["other labels"] += [f[1] for f in one] != [f[1] for f in other]
        if one:
            off = float(np.abs(np.subtract([f[5:] for f in one], [f[5:] for f in other])).max())
            found["other probabilities"] += off > TOLERANCE
            most = max(most, off)
    return dict(found) | {"largest difference": round(most, 4)}


def times(checkouts: list[Path], rounds: int, seconds: float) -> dict:
    """Ratios of each round, and the medians of both, by what was measured."""
    taken: dict[str, list[list[float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for faces in (1, 8):
            np.save(Path(folder) / f"{faces}.npy", make_frames(faces, "640x480", 60))
        for number in tqdm(range(rounds), desc="rounds"):
            row: dict[str, dict[Path, float]] = {}
            for checkout in checkouts[:: -1 if number % 2 else 1]:
                for faces in (1, 8):
                    said = run(checkout, Path(folder) / f"{faces}.npy", checkout / MODEL)
                    row.setdefault(f"pipeline, {faces} faces, CPU, ms", {})[checkout] = float(
                        np.median(said["ms"])
                    )
                for faces in (1, 8):
                    found = measure(Scenario(faces=faces, seconds=seconds), node(checkout))
                    name = f"node, {faces} faces"
                    row.setdefault(f"{name}, latency, ms", {})[checkout] = found["latency_ms"][
                        "median"
                    ]
                    row.setdefault(f"{name}, CPU a result, ms", {})[checkout] = found["cpu_ms_each"]
            for name, values in row.items():
                taken.setdefault(name, []).append([values[c] for c in checkouts])
    return {
        name: {
            "this": round(float(np.median([r[0] for r in values])), 3),
            "other": round(float(np.median([r[1] for r in values])), 3),
            "ratio": round(float(np.median([r[0] / r[1] for r in values])), 3),
            "ratios": [round(r[0] / r[1], 3) for r in values],
        }
        for name, values in taken.items()
    }


def main() -> None:
    """Measure, print and write results/versions.json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("other", type=Path, help="checkout of the other version")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each run of a node")
    parser.add_argument("--clips", type=Path, help="folder of .mp4 files")
    options = parser.parse_args()
    checkouts = [REPOSITORY, options.other.resolve()]
    found: dict = {"machine": machine(), "rounds": options.rounds}
    if options.clips:
        found["clips"] = {}
        for clip in sorted(options.clips.glob("*.mp4"), key=by_number):
            these, others = (run(c, clip, checkouts[1] / MODEL)["faces"] for c in checkouts)
            found["clips"][clip.name] = row = differences(these, others)
            print(clip.name, ", ".join(f"{k}: {v}" for k, v in row.items()))
    if options.rounds:
        found["times"] = times(checkouts, options.rounds, options.seconds)
        for name, row in found["times"].items():
            print(f"{name}: {row['this']} (other {row['other']}), ratio {row['ratio']}, "
                  f"rounds {row['ratios']}")  # fmt: skip
    save("versions", found)


if __name__ == "__main__":
    main()
