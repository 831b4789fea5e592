# SPDX-License-Identifier: Apache-2.0
"""The same stream to emotion_node and to a node as people write it: the age of each result.

640x480, raw, 30 Hz, one face, reliable, the socket profile on for all. The plain node runs Haar and
the PyPI package fer in its callback, behind a queue of ten: with fer's default network, and with
its Keras network. Writes a chart of result age over time beside the table.

    python -m benchmarks.speed.plain [--quick]
"""

import argparse
import csv

from benchmarks.processes import PEERS_PYTHON, emotion_node, script
from benchmarks.report import RESULTS, chart, machine, save
from benchmarks.speed.node import Scenario, figures, record
from benchmarks.tables import plain_table

SUBJECTS = {
    "emotion_node": emotion_node,
    "plain node, fer": lambda: script("plain_node", python=PEERS_PYTHON),
    "plain node, fer by Keras": lambda: script("plain_node", "--keras", python=PEERS_PYTHON),
}


def write_ages(ages: dict, path) -> None:
    """The points of the chart as CSV."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["node", "image_s", "age_ms"])
        rows.writerows([name, *point] for name, points in ages.items() for point in points)


def draw(ages: dict, path) -> None:
    """Chart of result age, ms, over the time of its image, s; `ages`: name -> [(time, age)]."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
    for name, points in ages.items():
        if points:
            axes.plot(*zip(*points, strict=True), ".", markersize=2, label=name)
    axes.set(
        xlabel="time of the image, s",
        ylabel="age of its result, ms",
        yscale="log",
        title="Age of results: 640x480 raw at 30 Hz, one face",
    )
    axes.grid(alpha=0.3)
    axes.legend(markerscale=4)
    figure.savefig(path, dpi=120)


def main():
    """Measure, print, write results/plain.json, .csv and .png."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="10 s each instead of 60")
    parser.add_argument("--seconds", type=float, help="watch each so long")
    parser.add_argument("--name", default="plain", help="of the JSON and the chart in results/")
    options = parser.parse_args()
    scenario = Scenario(seconds=options.seconds or (10 if options.quick else 60))
    results, ages = {"machine": machine(options.quick), "subjects": {}}, {}
    for name, command in SUBJECTS.items():
        print(f"{name}: {scenario.name}, {scenario.seconds:g} s")
        taken = record(scenario, command())
        results["subjects"][name] = figures(taken)
        start, end = taken.window
        ages[name] = [
            (round(stamp - start, 3), round(1e3 * (receipt - stamp), 2))
            for stamp, receipt, _ in taken.results
            if start <= stamp <= end
        ]
    save(options.name, results)
    write_ages(ages, RESULTS / f"{options.name}.csv")
    draw(ages, chart(options.name))
    print(plain_table(results))


if __name__ == "__main__":
    main()
