# SPDX-License-Identifier: Apache-2.0
"""emotion_node over DDS, every process its own: latency, results, losses, CPU and memory.

A camera publishes images made beforehand, emotion_node or a plain echo takes them, a listener notes
when each result comes. Latency is from the image's stamp, set when it is published, to the receipt
of its result. The echo does nothing with the image: it is what DDS and rclpy alone take. "missed":
sent, but never received, as the node itself counts; "dropped": received, but a newer one came
first; "exact": with those processed, these are all that were sent. CPU is in cores, user and
system, while measuring. Also: what the node costs while inactive and while no image comes.

    python -m benchmarks.speed.node [--quick] [--only "raw, 30 Hz$" --rounds 3]
"""

import argparse
import re
import time
from typing import NamedTuple

from tqdm import tqdm

from benchmarks.processes import PATIENCE, Process, emotion_node, script
from benchmarks.report import machine, save, summary
from benchmarks.speed.lifecycle import become_inactive
from benchmarks.tables import node_table

TAIL = 1.5  # seconds for the last results and the last report


class Scenario(NamedTuple):
    """What the camera sends, and how images travel: see `processes.environment`."""

    size: str = "640x480"
    jpeg: bool = False
    rate: int = 30
    faces: int = 1
    transport: str = "udp"
    best_effort: bool = False
    face_mesh: str = "auto"
    seconds: float = 10.0

    @property
    def name(self) -> str:
        """As in the table."""
        words = [self.size, "JPEG" if self.jpeg else "raw", f"{self.rate} Hz"]
        words += [f"{self.faces} faces"] * (self.faces != 1)
        words += ["best effort"] * self.best_effort
        words += ["shared memory"] * (self.transport == "shm")
        words += ["no profile"] * (not self.transport)
        words += [f"face_mesh {self.face_mesh}"] * (self.face_mesh != "auto")
        return ", ".join(words)


SCENARIOS = (
    Scenario(seconds=60),
    Scenario(transport=""),
    Scenario(best_effort=True),
    Scenario(best_effort=True, transport=""),
    Scenario(transport="shm"),
    Scenario(best_effort=True, transport="shm"),
    Scenario(rate=15),
    Scenario(rate=60),
    Scenario(rate=120),
    Scenario(jpeg=True),
    Scenario(jpeg=True, transport=""),
    Scenario(jpeg=True, rate=15),
    Scenario(jpeg=True, rate=60),
    Scenario(jpeg=True, rate=120),
    Scenario(faces=8),
    Scenario(face_mesh="off"),
    Scenario(faces=8, face_mesh="off"),
    Scenario(rate=120, face_mesh="off"),
    Scenario(size="1920x1080", jpeg=True),
    Scenario(size="1920x1080"),
)
QUICK = (Scenario(seconds=5), Scenario(rate=120, seconds=5), Scenario(jpeg=True, seconds=5))


class Recording(NamedTuple):
    """What one run gave: all results as (stamp, receipt, faces), the node's reports, the camera's
    last words, and the stamps between which the figures are taken.
    """

    results: list
    reports: list
    camera: dict
    window: tuple[float, float]
    cpu: float
    rss_mb: float


def record(scenario: Scenario, subject: list[str]) -> Recording:
    """One scenario with `subject`, the command of what takes the images."""
    words = ["--rate", scenario.rate, "--seconds", scenario.seconds]
    words += ["--size", scenario.size, "--faces", scenario.faces]
    words += ["--jpeg"] * scenario.jpeg + ["--best-effort"] * scenario.best_effort
    with (
        Process("listener", script("listener"), scenario.transport) as listener,
        Process("subject", subject, scenario.transport) as node,
    ):
        listener.wait_for("ready")
        with Process("camera", script("camera", *words), scenario.transport) as camera:
            begin = camera.wait_for("measuring", node)["stamp"]
            cpu = node.cpu_seconds()
            done = camera.wait_for("done", node, patience=2 * scenario.seconds + PATIENCE)
            cpu = (node.cpu_seconds() - cpu) / (time.time() - begin)
            time.sleep(TAIL)
        resident = node.peak_resident()
        listener.ask_to_end()
        noted = listener.wait_for("noted")
    window = (begin, done["stamp"])
    return Recording(noted["results"], noted["reports"], done, window, cpu, resident)


def figures(taken: Recording) -> dict:
    """A recording in numbers."""
    start, end = taken.window
    results = [r for r in taken.results if start <= r[0] <= end]
    found = {
        "sent": taken.camera["sent"],
        "sent_per_s": round(taken.camera["sent"] / (end - start), 2),
        "camera_late": round(taken.camera["late"], 3),
        "results": len(results),
        "results_per_s": round(len(results) / (end - start), 2),
        "faces": max((r[2] for r in results), default=None),
        "latency_ms": summary([1e3 * (receipt - stamp) for stamp, receipt, _ in results]),
        "cpu": round(taken.cpu, 3),
        "cpu_ms_each": round(1e3 * taken.cpu * (end - start) / len(results), 2)
        if results
        else None,
        "rss_mb": round(taken.rss_mb, 1),
    }
    return found | (reported(taken) if taken.reports else {})


def reported(taken: Recording) -> dict:
    """What emotion_node itself counted over the whole run.

    "lost" is the camera's count of what did not come. The node's, "missed", cannot hold what was
    lost before the first image that came or after the last: "exact" says whether they agree.
    """
    last = taken.reports[-1]
    received, missed, processed, dropped = (
        int(last[k]) for k in ("received", "missed", "processed", "dropped")
    )
    lost = taken.camera["sent"] + taken.camera["warmed"] - received
    return {
        "received": received,
        "missed": missed,
        "processed": processed,
        "dropped": dropped,
        "lost": lost,
        "exact": lost == missed and received == processed + dropped,
        "errors": int(last.get("errors", 0)),
    }


def measure(scenario: Scenario, subject: list[str]) -> dict:
    """The figures of one scenario with one subject."""
    return figures(record(scenario, subject))


def idle(seconds: float) -> dict:
    """Cores that the node takes while nothing is asked of it, and how much memory."""
    found = {}
    for name, state in (("inactive", "inactive"), ("active, no image", "active")):
        with (
            Process("listener", script("listener")) as listener,
            Process("subject", emotion_node(autostart=state == "active")) as node,
        ):
            if state == "inactive":
                become_inactive()
            listener.wait_for(state, node)
            cpu = node.cpu_seconds()
            time.sleep(seconds)
            found[name] = {
                "cpu": round((node.cpu_seconds() - cpu) / seconds, 4),
                "rss_mb": round(node.resident(), 1),
                "threads": node.threads(),
            }
    return found


def parse():
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="three scenarios of 5 s")
    parser.add_argument(
        "--only", default="", help="scenarios whose name matches this regular expression"
    )
    parser.add_argument("--seconds", type=float, help="measure each scenario so long")
    parser.add_argument("--rounds", type=int, default=1, help="by turns; the median one is kept")
    parser.add_argument("--name", help="of the JSON in results/ (default: node, node_only)")
    options = parser.parse_args()
    known = QUICK if options.quick else SCENARIOS
    chosen = [s for s in known if re.search(options.only, s.name)]
    if not chosen:
        names = "\n".join(s.name for s in known)
        parser.error(f"no scenario's name matches {options.only!r}; there are:\n{names}")
    options.scenarios = [s._replace(seconds=options.seconds or s.seconds) for s in chosen]
    options.name = options.name or ("node_only" if options.only else "node")
    return options


def middle(rounds: list[dict]) -> dict:
    """Of one subject's rounds, that of the median latency."""
    return sorted(rounds, key=lambda r: r["latency_ms"]["median"] or 0.0)[len(rounds) // 2]


def main():
    """Measure, print and write results/node.json, anew after each scenario."""
    options = parse()
    results = {"machine": machine(options.quick), "rounds": options.rounds, "scenarios": {}}
    results["idle"] = idle(5.0 if options.quick else 20.0)
    taken: dict[str, tuple[list, list]] = {s.name: ([], []) for s in options.scenarios}
    progress = tqdm(options.scenarios * options.rounds, desc="node and echo")
    for scenario in progress:
        progress.set_postfix_str(scenario.name)
        flags = ["--jpeg"] * scenario.jpeg + ["--best-effort"] * scenario.best_effort
        short = scenario._replace(seconds=min(scenario.seconds, 10.0))
        transport = "compressed" if scenario.jpeg else "raw"
        subject = emotion_node(image_transport=transport, face_mesh=scenario.face_mesh)
        echoes, nodes = taken[scenario.name]
        echoes.append(measure(short, script("echo", *flags)))
        nodes.append(measure(scenario, subject))
        row = {
            "seconds": scenario.seconds,
            "echo": middle(echoes),
            "node": middle(nodes),
        }
        if options.rounds > 1:
            row["latencies_ms"] = [r["latency_ms"] for r in nodes]
        results["scenarios"][scenario.name] = row
        save(options.name, results)
    print(node_table(results))


if __name__ == "__main__":
    main()
