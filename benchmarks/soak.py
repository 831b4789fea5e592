# SPDX-License-Identifier: Apache-2.0
"""Does memory stay flat? The node and a camera run for a long time in processes of their own.

``python benchmarks/soak.py`` (30 minutes) samples the resident memory of both, while a listener to
the annotated images comes and goes, and writes ``soak.json`` and the curve ``soak.png``. Growth is
the Theil-Sen slope (the median of the slopes between all pairs of samples; Sen, 1968,
doi:10.1080/01621459.1968.10480934), so a single step does not count as growth. Exit status 1 when
memory grew, results stopped or an image is unaccounted for.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "benchmarks" / "results"
PROFILE = REPOSITORY / "config" / "fastdds.xml"
WARM_UP = 0.2  # share of the time in which caches and pools may fill
LISTENER = 10.0  # seconds that the listener stays, and stays away
MAX_GROWTH = 5.0  # MB over the time after the warm-up
MAX_PAUSE = 10.0  # seconds without a result
START = 60.0  # seconds until the first result at most

os.environ.setdefault("ROS_DOMAIN_ID", str(os.getpid() % 100))
os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")


def start(module: str, **parameters) -> subprocess.Popen:
    """A node in a process of its own."""
    command = [sys.executable, "-m", f"fer_ros.nodes.{module}", "--ros-args"]
    for name, value in parameters.items():
        command += ["-p", f"{name}:={json.dumps(value)}"]
    environment = {"FASTRTPS_DEFAULT_PROFILES_FILE": str(PROFILE), **os.environ}
    return subprocess.Popen(command, cwd=REPOSITORY, env=environment)


def stop(process: subprocess.Popen) -> int:
    """The exit status after Ctrl-C, or after a kill where that does not help."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        return process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def resident(pid: int) -> float:
    """Resident memory of a process, MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def slope(seconds: np.ndarray, values: np.ndarray) -> float:
    """Theil-Sen slope of float [N] over float [N], a second; of 500 samples at most."""
    keep = np.linspace(0, len(seconds) - 1, min(len(seconds), 500)).astype(int)
    x, y = seconds[keep], values[keep]
    first, second = np.triu_indices(len(x), 1)
    return float(np.median((y[second] - y[first]) / (x[second] - x[first])))


class Ears:
    """Listens to results and /diagnostics, and now and then to the annotated images."""

    def __init__(self):
        import rclpy
        from diagnostic_msgs.msg import DiagnosticArray
        from fer_ros.msg import EmotionArray
        from sensor_msgs.msg import CompressedImage

        rclpy.init()
        self._rclpy, self._kind = rclpy, CompressedImage
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
            self._rclpy.spin_once(self._node, timeout_sec=left)

    def look(self, wanted: bool) -> None:
        """Subscribe to the annotated images, or no longer."""
        if wanted and not self._drawings:
            topic = "image_annotated/compressed"
            self._drawings = self._node.create_subscription(self._kind, topic, self._drawing, 1)
        elif self._drawings and not wanted:
            self._node.destroy_subscription(self._drawings)
            self._drawings = None

    def close(self) -> None:
        """End the listener."""
        self._node.destroy_node()
        self._rclpy.try_shutdown()

    def _result(self, _):
        self.results += 1

    def _drawing(self, _):
        self.drawings += 1

    def _report(self, message):
        for status in message.status:
            self.values = {v.key: v.value for v in status.values} | {"message": status.message}


def soak(minutes: float, rate: float, transport: str, interval: float) -> dict:
    """Run both processes and return what was measured. Raises RuntimeError without results."""
    node = start("emotion_node", image_transport=transport)
    camera = start("video_source", rate=rate)
    ears = Ears()
    samples = []
    try:
        began = time.monotonic()
        while ears.results == 0:
            if node.poll() is not None or time.monotonic() - began > START:
                raise RuntimeError("no result came; see what the nodes said above")
            ears.listen(0.2)
        began = time.monotonic()
        while (now := time.monotonic() - began) < minutes * 60:
            samples.append((now, resident(node.pid), resident(camera.pid), ears.results))
            ears.look(now // LISTENER % 2 == 1)
            ears.listen(interval)
        stop(camera)
        ears.listen(3)  # the last images, and a report after them
    finally:
        statuses = [stop(process) for process in (camera, node)]
        ears.close()
    return summary(np.array(samples), ears, statuses) | {
        "minutes": minutes,
        "rate": rate,
        "transport": transport,
    }


def summary(samples: np.ndarray, ears: Ears, statuses: list[int]) -> dict:
    """What is written: samples, float [N, 4], as (s, MB, MB, results), and what they show."""
    steady = samples[samples[:, 0] >= WARM_UP * samples[-1, 0]]
    counts = {k: int(ears.values.get(k, -1)) for k in ("received", "processed", "superseded")}
    span = steady[-1, 0] - steady[0, 0]
    return {
        "date": date.today().isoformat(),
        "cores": os.cpu_count(),
        "node_growth_mb": slope(steady[:, 0], steady[:, 1]) * span,
        "camera_growth_mb": slope(steady[:, 0], steady[:, 2]) * span,
        "node_mb": float(np.median(steady[:, 1])),
        "camera_mb": float(np.median(steady[:, 2])),
        "results": ears.results,
        "drawings": ears.drawings,
        "longest_pause_s": _longest_pause(samples[:, 0], samples[:, 3]),
        **counts,
        "errors": int(ears.values.get("errors", -1)),
        "exit_statuses": statuses,
        "samples": samples.round(3).tolist(),
    }


def faults(found: dict) -> list[str]:
    """What is wrong, in words; empty when all is well."""
    lines = []
    if found["node_growth_mb"] > MAX_GROWTH:
        lines.append(f"the node grew by {found['node_growth_mb']:.1f} MB, over {MAX_GROWTH:g}")
    if found["longest_pause_s"] > MAX_PAUSE:
        lines.append(f"no result for {found['longest_pause_s']:.0f} s")
    if found["received"] != found["processed"] + found["superseded"]:
        lines.append("received is not processed + superseded")
    if found["errors"] or any(found["exit_statuses"]):
        lines.append(f"{found['errors']} errors, exit statuses {found['exit_statuses']}")
    return lines


def plot(found: dict, path: Path) -> None:
    """The curve as a picture."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    seconds, node, camera, _ = np.array(found["samples"]).T
    figure, axes = pyplot.subplots(figsize=(8, 4), layout="constrained")
    for values, name in ((node, "emotion_node"), (camera, "video_source")):
        axes.plot(seconds / 60, values, label=name)
    axes.axvspan(0, WARM_UP * seconds[-1] / 60, alpha=0.1, color="grey", label="warm-up")
    axes.set(
        xlabel="minutes",
        ylabel="resident memory (MB)",
        title=f"{found['results']} results, growth of the node {found['node_growth_mb']:+.2f} MB",
    )
    axes.set_ylim(bottom=0)
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=120)


def _longest_pause(seconds: np.ndarray, results: np.ndarray) -> float:
    """The longest time between two samples in which results had come."""
    came = np.flatnonzero(np.diff(results, prepend=-1))
    return float(np.diff(seconds[np.append(came, -1)]).max(initial=0.0))


def main(words: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=30.0, help="images a second")
    parser.add_argument("--transport", choices=("raw", "compressed"), default="raw")
    parser.add_argument("--interval", type=float, default=1.0, help="seconds between samples")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the results")
    arguments = parser.parse_args(words)
    try:
        found = soak(arguments.minutes, arguments.rate, arguments.transport, arguments.interval)
    except RuntimeError as error:
        print(f"soak: {error}", file=sys.stderr)
        return 1
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "soak.json").write_text(json.dumps(found) + "\n")
    plot(found, arguments.output / "soak.png")
    for name, value in found.items():
        if name != "samples":
            print(f"{name:26} {value:.2f}" if isinstance(value, float) else f"{name:26} {value}")
    wrong = faults(found)
    for line in wrong:
        print(f"soak: {line}", file=sys.stderr)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
