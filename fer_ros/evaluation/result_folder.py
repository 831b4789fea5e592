# SPDX-License-Identifier: Apache-2.0
"""The folder that an evaluation leaves its results in."""

import json
from contextlib import suppress
from pathlib import Path

from fer_ros.bags.writing import check_bag
from fer_ros.runtime.settings_files import SettingsError, load

FILES = ("emotions.csv", "summary.json", "timing.json", "report.html")
RESULTS = (*FILES, "bag")
"""All that an evaluation leaves in its folder."""


def check_folder(folder: Path, bag: Path) -> None:
    """Look that results may be written there, in place of those of an earlier evaluation alone.

    Raises OSError.
    """
    if bag.resolve().is_relative_to((folder / "bag").resolve()):
        raise FileExistsError(f"{folder}: the recording itself lies there: choose another --out")
    check_bag(folder / "bag")
    taken = [name for name in FILES if (folder / name).exists()]
    marks = ("summary.json", "summary.json.part", "first/summary.json")  # of a comparison, the last
    if taken and not any(is_summary(folder / mark) for mark in marks):
        raise FileExistsError(f"{folder}: holds other files: choose another --out")


def is_summary(path: Path) -> bool:
    """Whether a file is a summary of ours."""
    with suppress(OSError, SettingsError):
        content = load(path, json.loads)
        return isinstance(content, dict) and ("complete" in content or "images_sent" in content)
    return False


def write_json(path: Path, content: dict) -> None:
    """Indented, with a newline at its end; a torn write leaves the old file."""
    draft = path.with_name(f"{path.name}.part")
    draft.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    draft.replace(path)
