# SPDX-License-Identifier: Apache-2.0
"""Does memory stay flat? The node and a camera run for a long time in processes of their own.

The resident memory of both is sampled while a listener to the annotated images comes and goes.
Growth is the Theil-Sen slope (the median of the slopes between all pairs of samples; Sen, 1968,
doi:10.1080/01621459.1968.10480934), so a single step does not count as growth. Writes soak.json and
the curve, soak.png; exit status 1 when memory grew, results stopped or an image is unaccounted for.

    python -m benchmarks.speed.soak [--minutes 30]
"""

import argparse
import os
import sys
import time
from pathlib import Path

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from fer_ros.msg import EmotionArray
from sensor_msgs.msg import CompressedImage

from benchmarks.processes import PATIENCE, BenchmarkError, Process, environment, node
from benchmarks.report import chart, machine, save
from benchmarks.tables import soak_table

WARM_UP = 0.2  # share of the time in which caches and pools may fill,
SETTLED = 40.0  # but so many seconds at least
LISTENER = 10.0  # seconds that the listener stays, and stays away
MAX_GROWTH = 5.0  # MB over the time after the warm-up
MAX_PAUSE = 10.0  # seconds without a result


def slope(seconds: np.ndarray, values: np.ndarray) -> float:
    """Theil-Sen slope of float [N] over float [N], a second; of 500 samples at most."""
    keep = np.linspace(0, len(seconds) - 1, min(len(seconds), 500)).astype(int)
    x, y = seconds[keep], values[keep]
    first, second = np.triu_indices(len(x), 1)
    return float(np.median((y[second] - y[first]) / (x[second] - x[first])))


class Ears:
    """Listens to results and /diagnostics, and now and then to the annotated images."""

    def __init__(self):
        rclpy.init()
        self._node = rclpy.create_node("soak")
        self.results = self.drawings = 0
        self.values: dict[str, str] = {}
        self._drawings = None
        self._node.create_subscription(EmotionArray, "emotions", self._result, 10)
        self._node.create_subscription(DiagnosticArray, "/diagnostics", self._report, 10)

    def listen(self, seconds: float) -> None:
        """Take in what comes for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            rclpy.spin_once(self._node, timeout_sec=left)

    def look(self, wanted: bool) -> None:
        """Subscribe to the annotated images, or no longer."""
        if wanted and not self._drawings:
            topic = "image_annotated/compressed"
            self._drawings = self._node.create_subscription(
                CompressedImage, topic, self._drawing, 1
            )
        elif self._drawings and not wanted:
            self._node.destroy_subscription(self._drawings)
            self._drawings = None

    def close(self) -> None:
        """End the listener."""
        self._node.destroy_node()
        rclpy.try_shutdown()

    def _result(self, _):
        self.results += 1

    def _drawing(self, _):
        self.drawings += 1

    def _report(self, message):
        for status in message.status:
            self.values = {v.key: v.value for v in status.values}


def soak(minutes: float, rate: float, transport: str, interval: float) -> dict:
    """Run both processes and return what was measured. Raises BenchmarkError without results."""
    samples = []
    with (
        Process("emotion_node", node("emotion_node", image_transport=transport)) as subject,
        Process("video_source", node("video_source", rate=rate)) as camera,
    ):
        ears = Ears()
        began = time.monotonic()
        while ears.results == 0:
            if subject.ended() or time.monotonic() - began > PATIENCE:
                raise BenchmarkError(f"no result came; see {subject.log} and {camera.log}")
            ears.listen(0.2)
        began = time.monotonic()
        while (now := time.monotonic() - began) < minutes * 60:
            samples.append((now, subject.resident(), camera.resident(), ears.results))
            ears.look(now // LISTENER % 2 == 1)
            ears.listen(interval)
        statuses = [camera.stop()]
        ears.listen(3)  # the last images, and a report after them
        ears.close()
        statuses.append(subject.stop())
    run = {"minutes": minutes, "rate": rate, "transport": transport}
    return run | summary(np.array(samples), ears, statuses)


def summary(samples: np.ndarray, ears: Ears, statuses: list[int]) -> dict:
    """What is written: samples, float [N, 4], as (s, MB, MB, results), and what they show."""
    steady = samples[samples[:, 0] >= warm_up(samples[-1, 0])]
    span = steady[-1, 0] - steady[0, 0]
    counts = ("received", "missed", "processed", "dropped", "errors")
    return {
        "node_growth_mb": slope(steady[:, 0], steady[:, 1]) * span,
        "camera_growth_mb": slope(steady[:, 0], steady[:, 2]) * span,
        "node_mb": float(np.median(steady[:, 1])),
        "camera_mb": float(np.median(steady[:, 2])),
        "results": ears.results,
        "drawings": ears.drawings,
        "longest_pause_s": longest_pause(samples[:, 0], samples[:, 3]),
        **{name: int(ears.values.get(name, -1)) for name in counts},
        "exit_statuses": statuses,
        "samples": samples.round(3).tolist(),
    }


def warm_up(seconds: float) -> float:
    """For how long a run of so many seconds may still grow; at most half of it."""
    return min(max(WARM_UP * seconds, SETTLED), seconds / 2)


def faults(found: dict) -> list[str]:
    """What is wrong, in words; empty when all is well."""
    lines = []
    for name in ("node", "camera"):
        growth = found[f"{name}_growth_mb"]
        if not growth <= MAX_GROWTH:  # too few samples give no number
            lines.append(f"the {name} grew by {growth:.1f} MB, over {MAX_GROWTH:g}")
    if found["longest_pause_s"] > MAX_PAUSE:
        lines.append(f"no result for {found['longest_pause_s']:.0f} s")
    if found["received"] != found["processed"] + found["dropped"]:
        lines.append("received is not processed + dropped")
    if found["errors"] or any(found["exit_statuses"]):
        lines.append(f"{found['errors']} errors, exit statuses {found['exit_statuses']}")
    return lines


def plot(found: dict, path: Path) -> None:
    """The curve as a picture."""
    import matplotlib.pyplot as plt

    seconds, *memory, _ = np.array(found["samples"]).T
    names = {"emotion_node": found["node_growth_mb"], "video_source": found["camera_growth_mb"]}
    figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
    for values, (name, growth) in zip(memory, names.items(), strict=True):
        axes.plot(seconds / 60, values, label=f"{name}, growth {growth:+.2f} MB")
    axes.axvspan(0, warm_up(seconds[-1]) / 60, alpha=0.1, color="grey", label="warm-up")
    axes.set(
        xlabel="minutes",
        ylabel="resident memory (MB)",
        title=f"{found['results']} results",
    )
    axes.set_ylim(bottom=0)
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=120)


def longest_pause(seconds: np.ndarray, results: np.ndarray) -> float:
    """The longest time between two samples in which results had come."""
    came = np.flatnonzero(np.diff(results, prepend=-1))
    return float(np.diff(seconds[np.append(came, -1)]).max(initial=0.0))


def main() -> int:
    """Measure, print and write soak.json and soak.png; 1 when something is wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30.0, help="default: %(default)s")
    parser.add_argument("--rate", type=float, default=30.0, help="Hz (default: %(default)s)")
    parser.add_argument("--transport", choices=("raw", "compressed"), default="raw")
    parser.add_argument("--interval", type=float, default=1.0, help="seconds between samples")
    parser.add_argument("--name", default="soak", help="of the JSON and the chart in results/")
    options = parser.parse_args()
    os.environ |= environment()  # the listener meets the processes
    found = {"machine": machine()}
    found |= soak(options.minutes, options.rate, options.transport, options.interval)
    save(options.name, {k: v for k, v in found.items() if k != "samples"})
    plot(found, chart(options.name))
    print(soak_table(found))
    wrong = faults(found)
    for line in wrong:
        print(f"soak: {line}", file=sys.stderr)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
