# SPDX-License-Identifier: Apache-2.0
"""The tables of all results, from their JSON.

python -m benchmarks.tables            print every table that there is JSON for
python -m benchmarks.tables --write    put them into docs/benchmarks.md, their charts beside it, and
                                       what README.md and docs/performance.md show of them there
"""

import argparse
import re
import shutil
import statistics
from pathlib import Path

from benchmarks.aims import aims
from benchmarks.board import leaderboard_table
from benchmarks.excerpts import EXCERPTS
from benchmarks.report import HERE, chart, describe, load, table, version

DOCUMENT = HERE.parent / "docs" / "benchmarks.md"
CHARTS = {
    "plain": "Age of each result over time",
    "soak": "Resident memory over time",
    "leaderboard": "Accuracy of each model on each data set",
}
MAX_LATE = 0.05  # share of the images that the camera itself sent over half a period late


def node_table(results: dict) -> str:
    """The node beside the echo, a row for each scenario, and its idle cost; "late" where the camera
    could not keep its own rate.
    """
    head = ["images", "echo ms", "p99", "node ms", "p99", "node - echo", "results/s", "sent/s"]
    head += ["missed", "dropped", "exact", "CPU", "CPU ms each", "MB"]
    rows = []
    for name, both in results["scenarios"].items():
        echo, node = both["echo"], both["node"]
        latency, floor = node["latency_ms"], echo["latency_ms"]
        above = None
        if latency["median"] is not None and floor["median"] is not None:
            above = latency["median"] - floor["median"]
        late = max(echo["camera_late"], node["camera_late"]) > MAX_LATE
        rows.append([
            name + " (late)" * late,
            floor["median"], floor["p99"], latency["median"], latency["p99"], above,
            node["results_per_s"], node["sent_per_s"],
            node.get("missed"), node.get("dropped"), _yes(node.get("exact")),
            node["cpu"], node["cpu_ms_each"], node["rss_mb"],
        ])  # fmt: skip
    parts = [describe(results["machine"]), table(head, rows)]
    states = [[k, v["cpu"], v["rss_mb"], v["threads"]] for k, v in results["idle"].items()]
    parts.append(table(["state", "CPU", "MB", "threads"], states))
    return "\n\n".join(parts)


def stages_table(results: dict) -> str:
    """A row for each stage, a column for each kind of image: median ms, p99 in brackets."""
    images = results["images"]
    names = [name for name in next(iter(images.values())) if name != "faces_seen"]
    rows = [["faces seen", *("/".join(map(str, i["faces_seen"])) for i in images.values())]]
    rows += [[name, *(_median_p99(i[name]) for i in images.values())] for name in names]
    threads = results["machine"]["opencv_threads"]
    parts = [describe(results["machine"]), f"OpenCV: {threads} threads, LiteRT: 1"]
    return "\n\n".join([*parts, table(["ms: median (p99)", *images], rows)])


def following_table(results: dict) -> str:
    """A row for each number of faces: both ways, and their ratios."""
    rows = []
    for faces, by_mode in results["faces"].items():
        off, mesh = by_mode["off"], by_mode["auto"]
        cells = [f"{m['median']:.1f} / {m['mean']:.1f} / {m['p99']:.1f}" for m in (off, mesh)]
        ratios = [f"{mesh[key] / off[key]:.2f}" for key in ("median", "mean", "cpu")]
        rows.append([faces, *cells, *ratios, f"{off['faces']:.1f} / {mesh['faces']:.1f}"])
    heads = ["faces", "face_mesh off, ms: median / mean / p99", "auto", "median, ratio", "mean",
             "CPU", "faces seen"]  # fmt: skip
    return "\n\n".join([describe(results["machine"]), table(heads, rows)])


def peers_table(results: dict) -> str:
    """A row for each network: accuracy, time, and how that compares."""
    fastest = results["fer_fastest"]
    head = ["network", "accuracy", "deduplicated", "macro-F1", "ms a face", "p99", "network, ms"]
    head += [f"over {fastest}", "over fer's default"]
    rows = [
        [
            name,
            *(row.get(key) for key in ("accuracy", "accuracy_deduplicated", "macro_f1")),
            row["ms_face"]["median"],
            row["ms_face"]["p99"],
            row["ms_network"]["median"],
            row["over_fastest"],
            row["over_default"],
        ]
        for name, row in results["contenders"].items()
    ]
    where = f"{results['crops']}; one thread; fer {results['machine']['fer']}"
    return "\n\n".join([describe(results["machine"]), where, table(head, rows)])


def fer_call_table(results: dict) -> str:
    """A row for each kind of image and contender."""
    head = ["images", "call", "ms", "p99", "over fer_ros", "faces found"]
    rows = []
    for label, calls in results["images"].items():
        ours = next(iter(calls.values()))["ms"]["median"]
        for name, row in calls.items():
            ms = row["ms"]
            rows.append([label, name, ms["median"], ms["p99"], ms["median"] / ours, row["faces"]])
    return "\n\n".join([describe(results["machine"]), table(head, rows)])


def plain_table(results: dict) -> str:
    """A row for each node."""
    head = ["node", "age ms", "p99", "results/s", "CPU", "MB"]
    rows = [
        [name, r["latency_ms"]["median"], r["latency_ms"]["p99"], r["results_per_s"], r["cpu"],
         r["rss_mb"]]
        for name, r in results["subjects"].items()
    ]  # fmt: skip
    return "\n\n".join([describe(results["machine"]), table(head, rows)])


def startup_table(results: dict) -> str:
    """Seconds to start, and the dearest imports."""
    rows = [[name, t["median"], t["p99"]] for name, t in results["seconds"].items()]
    heavy = ", ".join(results["heavy"]) or "none"
    parts = [describe(results["machine"]), table(["start of", "s", "p99"], rows)]
    parts.append(table(["imports of", "ms"], [list(r) for r in results["imports_ms"].items()]))
    return "\n\n".join([*parts, f"Heavy libraries imported: {heavy}"])


def web_view_table(results: dict) -> str:
    """A row for each state: medians over the rounds, their spread in brackets."""
    rows = []
    for name, rounds in results["states"].items():
        cpu = [r["cpu"] for r in rounds]
        latency = [r["latency_ms"]["median"] for r in rounds]
        p99 = [r["latency_ms"]["p99"] for r in rounds]
        view = [r["view_cpu"] for r in rounds if r["view_cpu"] is not None]
        shown = [sum(r["shown"]) for r in rounds if r["shown"]]
        rows.append([
            name, _spread(cpu, 3), _spread(latency, 1), _spread(p99, 1),
            _spread(view, 3) if view else None, int(statistics.median(shown)) if shown else None,
        ])  # fmt: skip
    head = ["web view", "node's CPU", "latency ms", "p99 ms", "view's CPU", "images shown"]
    run = f"{results['rounds']} rounds by turns of {results['seconds']:g} s, {results['images']}"
    return "\n\n".join([describe(results["machine"]), run, table(head, rows)])


def arithmetic_table(results: dict) -> str:
    """The models' arithmetic beside the peak of one core."""
    head = ["model", "million in int8", "in float32", "floor, ms", "measured, ms", "share of peak"]
    rows = [[name, *row.values()] for name, row in results["models"].items()]
    peaks = results["peak_giga_multiply_adds"]
    peak = (
        f"Peak of one core, measured: {peaks['int8']:.0f} thousand million multiply-adds a second "
        f"in int8, {peaks['float32']:.0f} in float32"
    )
    return "\n\n".join([describe(results["machine"]), peak, table(head, rows)])


def aims_table() -> str:
    """What was aimed at beside what was found; empty without all results."""
    parts = {name: load(name) for name in ("node", "startup", "stages")}
    if not all(parts.values()):
        return ""
    lines = [describe(parts["node"]["machine"])]
    versions = {name: version(part["machine"]) for name, part in parts.items()}
    if len(set(versions.values())) > 1:
        lines.append(f"Of different runs: {'; '.join(map(' '.join, versions.items()))}")
    rows = [[aim.name, _limit(aim), aim.value, aim.met] for aim in aims(**parts)]
    return "\n\n".join([*lines, table(["aim", "limit", "found", "met"], rows)])


def soak_table(results: dict) -> str:
    """What the long run came to."""
    kept = ("results", "received", "missed", "dropped", "errors", "longest_pause_s")
    rows = [[name.replace("_", " "), results[name]] for name in kept]
    for name in ("node", "camera"):
        rows.append([f"{name}, MB", results[f"{name}_mb"]])
        rows.append([f"{name}, growth, MB", results[f"{name}_growth_mb"]])
    run = f"{results['minutes']:g} minutes, {results['transport']}, {results['rate']:g} Hz"
    return "\n\n".join([describe(results["machine"]), run, table(["", "found"], rows)])


def _limit(aim) -> str | None:
    return aim.limit if aim.limit is None else f"{'>=' if aim.least else '<='} {aim.limit:.4g}"


def _chart(name: str) -> str:
    """The line that shows a chart, copied beside the page where it was drawn anew; else empty."""
    shown = DOCUMENT.parent / "images" / f"{name}.png"
    if name in CHARTS and chart(name).is_file():
        shutil.copy(chart(name), shown)
    if name not in CHARTS or not shown.is_file():
        return ""
    return f"\n![{CHARTS[name]}](images/{name}.png)\n"


def _median_p99(found: dict) -> str:
    return f"{found['median']:.2f} ({found['p99']:.2f})"


def _spread(values, digits):
    low, high = min(values), max(values)
    middle = statistics.median(values)
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def _yes(value) -> str | None:
    return None if value is None else "yes" if value else "NO"


TABLES = {
    "peers": peers_table,
    "leaderboard": leaderboard_table,
    "fer_call": fer_call_table,
    "plain": plain_table,
    "node": node_table,
    "startup": startup_table,
    "stages": stages_table,
    "following": following_table,
    "web_view": web_view_table,
    "arithmetic": arithmetic_table,
    "soak": soak_table,
}


def filled(page: str, texts: dict[str, str], where: str) -> str:
    """`page` with each text between its markers. Raises SystemExit where one has no place."""
    for name, text in texts.items():
        place = re.compile(rf"(<!-- table {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        page, count = place.subn(lambda m, text=text: f"{m[1]}{text}\n{m[2]}", page)
        if not count:
            raise SystemExit(f"{where}: no place for the table {name}")
    return page


def pages() -> dict[Path, dict[str, str]]:
    """Each page, and the texts of it that there is JSON for, by name."""
    full = {
        name: f"{make(results)}\n{_chart(name)}".rstrip("\n")
        for name, make in TABLES.items()
        if (results := load(name))
    }
    if met := aims_table():
        full = {"aims": met} | full
    excerpts = {
        HERE.parent / page: {name: text for name, make in makers.items() if (text := make())}
        for page, makers in EXCERPTS.items()
    }
    return {DOCUMENT: full} | excerpts


def main():
    """Print or write the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="into the pages")
    options = parser.parse_args()
    found = pages()
    if not options.write:
        texts = found[DOCUMENT].items()
        print("\n\n".join(f"## {name}\n\n{text}" for name, text in texts))
        return
    for path, texts in found.items():
        page = filled(path.read_text("utf-8"), texts, str(path))
        path.write_text(page, "utf-8")


if __name__ == "__main__":
    main()
