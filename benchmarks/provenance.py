# SPDX-License-Identifier: Apache-2.0
"""Which code each figure was measured with, and whether that code has changed since.

    python -m benchmarks.provenance        what `make figures-check` runs

`make bench` notes in each result the modules that its processes imported, with a checksum of each,
and the model files. This command compares them with the files as they are now, prints what changed
and what to run again, and ends with 1 where anything did.
"""

import hashlib
import json
import os
import sys
from pathlib import Path

from benchmarks.report import RESULTS, write

REPOSITORY = Path(__file__).resolve().parents[1]
HOOK = Path(__file__).with_name("loaded")
SHOWING = {
    "report",
    "excerpts",
    "tables",
    "board",
    "aims",
    "provenance",
}  # of benchmarks: measure nothing
PLACES = {"fer_training": REPOSITORY / "training"}  # the others lie at the top


def environment(log: Path) -> dict[str, str]:
    """What makes every Python process below this one note its imports in `log`."""
    paths = [str(HOOK), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"FER_ROS_LOADED": str(log), "PYTHONPATH": os.pathsep.join(paths)}


def sources(names: set[str]) -> list[Path]:
    """The files of these modules, and the models; left out is a name without a file, and what only
    shows figures.
    """
    names = names - {f"benchmarks.{name}" for name in SHOWING}
    found = {*REPOSITORY.glob("fer_ros/models/*.tflite"), *REPOSITORY.glob("fer_ros/models/*.onnx")}
    for name in names:
        stem = PLACES.get(name.partition(".")[0], REPOSITORY).joinpath(*name.split("."))
        found |= {p for p in (stem.with_suffix(".py"), stem / "__init__.py") if p.is_file()}
    return sorted(found)


def checksum(path: Path) -> str:
    """The first eight digits of a file's SHA-256; "" where there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8] if path.is_file() else ""


def stamp(name: str, log: Path) -> None:
    """Put into results/<name>.json which files were imported, as `log` tells."""
    result = RESULTS / f"{name}.json"
    content = json.loads(result.read_text("utf-8"))
    files = sources(set(log.read_text().split()))
    code = {str(path.relative_to(REPOSITORY)): checksum(path) for path in files}
    write(result, content | {"code": code})


def changed(content: dict) -> list[str]:
    """The files behind a result that are not what they were."""
    code = content.get("code", {})
    return [path for path, was in code.items() if checksum(REPOSITORY / path) != was]


def main() -> int:
    """Print a line for each result; 1 where one is out of date."""
    old = []
    for path in sorted(RESULTS.glob("*.json")):
        content = json.loads(path.read_text("utf-8"))
        if "code" not in content:
            continue
        found = changed(content)
        commit = content["machine"]["commit"]
        print(f"{path.stem}: {len(found)} of {len(content['code'])} files changed since {commit}")
        print(*(f"    {name}" for name in found), sep="\n", end="\n" * bool(found))
        old += [path.stem] * bool(found)
    if old:
        print(f"run again: python -m benchmarks.bench --only {' '.join(old)}")
    return bool(old)


if __name__ == "__main__":
    sys.exit(main())
