# SPDX-License-Identifier: Apache-2.0
"""The tables of all results, from their JSON.

python benchmarks/tables.py                 print every table that there is JSON for
python benchmarks/tables.py --write         put them into docs/benchmarks.md
"""

import argparse
import re

from report import HERE, describe, load, table

DOCUMENT = HERE.parent / "docs" / "benchmarks.md"


def node_table(results: dict) -> str:
    """The node beside the echo, a row for each scenario, and its idle cost."""
    head = ["images", "echo ms", "p99", "node ms", "p99", "node - echo", "results/s", "sent"]
    head += ["superseded", "lost", "exact", "CPU", "MB"]
    rows = []
    for name, both in results["scenarios"].items():
        echo, node = both["echo"], both["node"]
        latency, floor = node["latency_ms"], echo["latency_ms"]
        above = None
        if latency["median"] is not None and floor["median"] is not None:
            above = latency["median"] - floor["median"]
        rows.append([
            name,
            floor["median"], floor["p99"], latency["median"], latency["p99"], above,
            node["results_per_s"], node["sent"],
            node.get("superseded"), node.get("lost"), _yes(node.get("exact")),
            node["cpu"], node["rss_mb"],
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


def _median_p99(found: dict) -> str:
    return f"{found['median']:.2f} ({found['p99']:.2f})"


def _yes(value) -> str | None:
    return None if value is None else "yes" if value else "NO"


TABLES = {"stages": stages_table, "node": node_table}


def main():
    """Print or write the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help=f"into docs/{DOCUMENT.name}")
    options = parser.parse_args()
    found = {name: make(results) for name, make in TABLES.items() if (results := load(name))}
    if not options.write:
        print("\n\n".join(f"## {name}\n\n{text}" for name, text in found.items()))
        return
    page = DOCUMENT.read_text("utf-8")
    for name, text in found.items():
        place = re.compile(rf"(<!-- table {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        page, count = place.subn(lambda m, text=text: f"{m[1]}{text}\n{m[2]}", page)
        if not count:
            raise SystemExit(f"{DOCUMENT}: no place for the table {name}")
    DOCUMENT.write_text(page, "utf-8")


if __name__ == "__main__":
    main()
