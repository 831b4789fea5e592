# SPDX-License-Identifier: Apache-2.0
"""What fer_ros sets out to reach on two cores, and what the last `make bench` found."""

from typing import NamedTuple

BASE = "640x480, raw, 30 Hz"


class Aim(NamedTuple):
    """One aim: `value` is to be at most `limit`, or at least where `least`."""

    name: str
    value: float | None
    limit: float
    least: bool = False

    @property
    def met(self) -> str:
        """Whether it was: yes, NO, or - where nothing was measured."""
        if self.value is None:
            return "-"
        return (
            "yes"
            if (self.value >= self.limit if self.least else self.value <= self.limit)
            else "NO"
        )


def aims(node: dict, startup: dict, stages: dict) -> list[Aim]:
    """All aims, from the results of those three benchmarks."""
    base = node["scenarios"][BASE]
    ours, echo = base["node"], base["echo"]
    pipeline = stages["images"]["640x480, 1 faces"]["pipeline"]["median"]
    floor = pipeline + echo["latency_ms"]["median"]
    return [
        Aim(f"{BASE}: images not processed", missed(ours), 0),
        Aim("  latency, median, ms (pipeline + echo + 3)", ours["latency_ms"]["median"], floor + 3),
        Aim("  latency, p99, ms", ours["latency_ms"]["p99"], 33),
        Aim("  CPU, cores", ours["cpu"], 0.5),
        Aim("  resident, MB", ours["rss_mb"], 250),
        Aim("first result, s", startup["seconds"]["emotion_node to first result"]["median"], 2),
        Aim("heavy libraries imported", len(startup["heavy"]), 0),
        Aim("inactive, cores", node["idle"]["inactive"]["cpu"], 0.01),
        rate(node, "1920x1080, JPEG, 30 Hz", 25),
        rate(node, "640x480, raw, 30 Hz, 8 faces", 20),
        *overload(node, pipeline),
    ]


def missed(ours: dict) -> int:
    """Images that came to nothing: superseded, or lost on the way."""
    return ours["superseded"] + ours["lost"]


def rate(node: dict, scenario: str, least: float) -> Aim:
    """The aim on results a second in one scenario."""
    found = node["scenarios"].get(scenario)
    value = found["node"]["results_per_s"] if found else None
    return Aim(f"{scenario}: results/s", value, least, least=True)


def overload(node: dict, pipeline: float) -> list[Aim]:
    """The aims on a stream faster than the node."""
    name = "640x480, raw, 120 Hz"
    found = node["scenarios"][name]
    limit = 2 * pipeline + found["echo"]["latency_ms"]["p99"]
    ours = found["node"]
    uncounted = abs(ours["received"] - ours["processed"] - ours["superseded"])
    return [
        Aim(f"{name}: p99, ms (2 pipelines + echo's p99)", ours["latency_ms"]["p99"], limit),
        Aim(f"{name}: received less processed and superseded", uncounted, 0),
    ]
