# SPDX-License-Identifier: Apache-2.0
"""What fer_ros sets out to reach on two cores, and what the last `make bench` found.

What was not measured, because a run was quick or cut short, is None throughout.
"""

from functools import partial
from typing import NamedTuple

BASE = "640x480, raw, 30 Hz"
OVERLOAD = "640x480, raw, 120 Hz"


class Aim(NamedTuple):
    """One aim: `value` is to be at most `limit`, or at least where `least`."""

    name: str
    value: float | None
    limit: float | None
    least: bool = False

    @property
    def met(self) -> str:
        """Whether it was: yes, NO, or - where nothing was measured."""
        if None in (self.value, self.limit):
            return "-"
        good = self.value >= self.limit if self.least else self.value <= self.limit
        return "yes" if good else "NO"


def figure(found: dict | None, *keys: str):
    """What lies under these keys, one within the other."""
    for key in keys:
        found = (found or {}).get(key)
    return found


def total(*terms: float | None) -> float | None:
    """The sum of all terms."""
    return None if None in terms else sum(terms)


def aims(node: dict, startup: dict, stages: dict) -> list[Aim]:
    """All aims, from the results of those three benchmarks."""
    base = partial(figure, node, "scenarios", BASE)
    pipeline = figure(stages, "images", "640x480, 1 faces", "pipeline", "median")
    floor = total(pipeline, base("echo", "latency_ms", "median"), 3)
    first = figure(startup, "seconds", "emotion_node to first result", "median")
    inactive = figure(node, "idle", "inactive", "cpu")
    return [
        Aim(f"{BASE}: images not processed", missed(base("node")), 0),
        Aim(
            "  latency, median, ms (pipeline + echo + 3)",
            base("node", "latency_ms", "median"),
            floor,
        ),
        Aim("  latency, p99, ms", base("node", "latency_ms", "p99"), 33),
        Aim("  CPU, cores", base("node", "cpu"), 0.5),
        Aim("  resident, MB", base("node", "rss_mb"), 250),
        Aim("first result, s", first, 2),
        Aim("heavy libraries imported", len(startup["heavy"]), 0),
        Aim("inactive, cores", inactive, 0.01),
        rate(node, "1920x1080, JPEG, 30 Hz", 25),
        rate(node, "640x480, raw, 30 Hz, 8 faces", 20),
        *overload(node, pipeline),
    ]


def missed(ours: dict | None) -> int | None:
    """Images that came to nothing: dropped, or sent and never received."""
    return total(figure(ours, "dropped"), figure(ours, "lost"))


def rate(node: dict, scenario: str, least: float) -> Aim:
    """The aim on results a second in one scenario."""
    value = figure(node, "scenarios", scenario, "node", "results_per_s")
    return Aim(f"{scenario}: results/s", value, least, least=True)


def overload(node: dict, pipeline: float | None) -> list[Aim]:
    """The aims on a stream faster than the node."""
    found = partial(figure, node, "scenarios", OVERLOAD)
    p99 = found("node", "latency_ms", "p99")
    limit = total(pipeline, pipeline, found("echo", "latency_ms", "p99"))
    received = found("node", "received")
    accounted = total(found("node", "processed"), found("node", "dropped"))
    uncounted = None if None in (received, accounted) else abs(received - accounted)
    return [
        Aim(f"{OVERLOAD}: p99, ms (2 pipelines + echo's p99)", p99, limit),
        Aim(f"{OVERLOAD}: received less processed and dropped", uncounted, 0),
    ]
