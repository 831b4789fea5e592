# SPDX-License-Identifier: Apache-2.0
"""What all benchmarks share: the machine's name, medians, tables and the JSON they leave."""

import argparse
import json
import os
import platform
import subprocess
from datetime import datetime, timezone
from pathlib import Path

import cv2
import numpy as np

HERE = Path(__file__).resolve().parent
RESULTS = Path(os.environ.get("FER_ROS_RESULTS", HERE / "results"))


def machine(quick: bool = False) -> dict:
    """What the figures were taken on and with, how busy it was, and whether it went quickly."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "opencv": cv2.__version__,
        "date": datetime.now(timezone.utc).isoformat(timespec="minutes"),
        "commit": _commit(),
        "quick": quick,
    }


def describe(found: dict) -> str:
    """`machine()` as one line."""
    return (
        f"{found['cpu']}, {found['cores']} cores, load {found['load']} at the start; "
        f"{found['date']}, {version(found)}"
    )


def version(found: dict) -> str:
    """What of `machine()` has to agree before figures may stand side by side."""
    return f"commit {found['commit']}{', --quick' * found.get('quick', False)}"


def summary(values) -> dict:
    """Median, 99th percentile and count of `values`, in their unit; None where there are none."""
    values = np.asarray(values, float)
    if not len(values):
        return {"median": None, "p99": None, "n": 0}
    median, p99 = np.percentile(values, (50, 99))
    return {"median": round(float(median), 4), "p99": round(float(p99), 4), "n": len(values)}


def save(name: str, content: dict) -> None:
    """Write results/<name>.json."""
    RESULTS.mkdir(exist_ok=True)
    write(RESULTS / f"{name}.json", content)


def write(path: Path, content: dict) -> None:
    """A result as a file: a value a line, four decimals, small enough to be committed."""
    path.write_text(json.dumps(_rounded(content), indent=0) + "\n", "utf-8")


def _rounded(content):
    match content:
        case dict():
            return {key: _rounded(value) for key, value in content.items()}
        case list() | tuple():
            return [_rounded(value) for value in content]
        case float():
            return round(content, 4)
    return content


def chart(name: str) -> Path:
    """Where the chart beside results/<name>.json lies."""
    return RESULTS / f"{name}.png"


def load(name: str) -> dict | None:
    """results/<name>.json, None when there is none."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text("utf-8")) if path.is_file() else None


def refuse_namesakes(parser: argparse.ArgumentParser, paths: list[Path]) -> None:
    """End with a usage error where two files have one name: it is what results go under."""
    if len({path.name for path in paths}) < len(paths):
        parser.error("two --model files have the same name: rename one")


def table(head: list[str], rows: list[list]) -> str:
    """A Markdown table, padded so that it can also be read as it is."""
    cells = [[_text(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(lines)


def _text(cell) -> str:
    if cell is None:
        return "-"
    if not isinstance(cell, float):
        return str(cell)
    decimals = 3 if abs(cell) < 1 else 2 if abs(cell) < 100 else 0
    return f"{cell:.{decimals}f}"


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _commit() -> str:
    """With ``-dirty`` where anything but the results themselves has changed since."""
    changed = _run(
        "git", "status", "--porcelain", "-uno", "--", ":/", ":(top,exclude)benchmarks/results"
    )
    return _run("git", "describe", "--always") + "-dirty" * (changed != "unknown")


def _run(*command) -> str:
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
