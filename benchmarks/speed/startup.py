# SPDX-License-Identifier: Apache-2.0
"""From the start of emotion_node's process to its first result, and what its imports cost.

A camera is already publishing 30 images a second, a listener already listens. A bare Python and a
bare rclpy node are started as often, for the floor. Imports are those of `python -X importtime`, a
module's own time added up by package.

    python -m benchmarks.speed.startup [--quick]
"""

import argparse
import re
import subprocess
import sys
import time
from collections import Counter

from tqdm import tqdm

from benchmarks.processes import REPOSITORY, Process, emotion_node, environment, script
from benchmarks.report import machine, save, summary
from benchmarks.tables import startup_table

HEAVY = ("tensorflow", "keras", "torch", "matplotlib", "scipy", "sklearn", "pandas")
NODE = "fer_ros.nodes.emotion_node"
BARE_NODE = "import rclpy; rclpy.init(); rclpy.create_node('bare')"
ALL_IMPORTS = f"""
import sys, {NODE}
from fer_ros.emotions.classifier import Classifier
from fer_ros.faces.detectors import create_detector
create_detector(), Classifier()
print(*sys.modules)
"""
IMPORT = re.compile(r"import time:\s+(\d+) \|\s+\d+ \| +(\S+)")


def first_result() -> float:
    """Seconds from the start of the process to the receipt of the first result."""
    with (
        Process("listener", script("listener")) as listener,
        Process("camera", script("camera", "--no-wait", "--seconds", 90)) as camera,
    ):
        listener.wait_for("ready")
        camera.wait_for("measuring")
        with Process("subject", emotion_node()) as node:
            return listener.wait_for("first", node)["receipt"] - node.started


def seconds_of(code: str) -> float:
    """Wall time of a Python process that runs this code."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, env=environment(), check=True)
    return time.perf_counter() - began


def imports() -> tuple[dict, list[str]]:
    """Milliseconds by package, the dearest first, of all that the node imports until it is active;
    and which heavy libraries are among it.
    """
    command = [sys.executable, "-X", "importtime", "-c", ALL_IMPORTS]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment(), check=True, capture_output=True, text=True
    )
    found = Counter()
    for own, name in IMPORT.findall(done.stderr):
        found[name.split(".")[0]] += int(own) / 1e3
    heavy = [name for name in HEAVY if name in done.stdout.split()]
    return {name: round(ms, 2) for name, ms in found.most_common(15)}, heavy


def main():
    """Measure, print and write results/startup.json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="twice each instead of seven times")
    parser.add_argument("--name", default="startup", help="of the JSON in results/")
    options = parser.parse_args()
    results = {"machine": machine(options.quick)}
    kinds = {
        "python": lambda: seconds_of("pass"),
        "rclpy node": lambda: seconds_of(BARE_NODE),
        "imports of emotion_node": lambda: seconds_of(f"import {NODE}"),
        "emotion_node to first result": first_result,
    }
    times = {name: [] for name in kinds}
    for _ in tqdm(range(2 if options.quick else 7), desc="starting"):
        for name, start in kinds.items():
            times[name].append(start())
    results["seconds"] = {name: summary(values) for name, values in times.items()}
    results["imports_ms"], results["heavy"] = imports()
    save(options.name, results)
    print(startup_table(results))


if __name__ == "__main__":
    main()
