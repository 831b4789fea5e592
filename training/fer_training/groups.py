# SPDX-License-Identifier: Apache-2.0
"""Whether a model serves some groups of people worse than others."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

from fer_ros.emotions.classes import EMOTIONS
from fer_training.dataset import DatasetError, Faces, load_labelled
from fer_training.metrics import intervals, report

SMALL = 30
"""Faces under which a group has its line, but no say in the widest gap of accuracy."""
FEW = 5
"""The same of the faces of one class, for the widest gap of its recall."""


def read_groups(path: Path, faces: Faces) -> np.ndarray:
    """The group of each face, str [N], "" where the file does not say.

    The file is a CSV with the columns ``group`` and ``row`` (of FER-2013's CSV, counted from 0) or
    ``picture`` (path under the folder). Raises DatasetError when it is none, or knows no face.
    """
    try:
        with Path(path).open(newline="", encoding="utf-8") as text:
            rows = list(csv.DictReader(text))
        key = "row" if rows and "row" in rows[0] else "picture"
        said = {str(row[key]).strip(): row["group"].strip() for row in rows}
    except (OSError, UnicodeDecodeError, KeyError, AttributeError) as error:
        raise DatasetError(
            f"{path}: no CSV with the columns row or picture, and group: {error}"
        ) from None
    group = np.array([said.get(str(name), "") for name in faces.names])
    if not (group != "").any():
        raise DatasetError(
            f"{path}: none of its {len(said)} entries is one of the {len(faces)} faces"
        )
    return group


def stated_groups(path: Path, columns: Sequence[str]) -> dict[str, np.ndarray]:
    """What an .npz data set says of the people it shows, by its ``columns``: each the group of each
    face, str [N]; numbers, such as ages, in tens. Raises DatasetError for a column that is not
    there.
    """
    _, said = load_labelled(path)
    if missing := set(columns) - set(said):
        there = ", ".join(sorted(said)) or "nothing"
        raise DatasetError(
            f"{path}: no column {min(missing)}; what it states of the people: {there}"
        )
    return {name: _in_words(said[name]) for name in columns}


def _in_words(values):
    if not np.issubdtype(values.dtype, np.number):
        return values.astype(str)
    tens = [int(v) // 10 * 10 if v >= 0 else None for v in values]  # unknown: NaN or negative
    return np.array(["" if t is None else f"{t} to {t + 9}" for t in tens])


def by_group(logits: np.ndarray, faces: Faces, group: np.ndarray, temperature: float) -> dict:
    """Figures of ``metrics.report``, with intervals, of each group under ``groups``; ``gap``: the
    widest difference in accuracy between groups of at least ``SMALL`` faces, None without two.

    ``logits``: float [N, 7]; ``group``: str [N], "" takes no part.
    """
    found = {}
    for name in sorted(set(group) - {""}):
        own = group == name
        figures = report(logits[own], faces.labels[own], temperature)
        found[str(name)] = figures | {
            "intervals": intervals(figures["confusion"]),
            "recall_wilson": {
                emotion: _wilson(row[i], sum(row))
                for i, (emotion, row) in enumerate(zip(EMOTIONS, figures["confusion"], strict=True))
                if sum(row)
            },
        }
    ranked = sorted((f["accuracy"], name) for name, f in found.items() if f["n"] >= SMALL)
    gap = None
    if len(ranked) > 1:
        (least, worst), (most, best) = ranked[0], ranked[-1]
        gap = {"accuracy": most - least, "best": best, "worst": worst}
    return {"groups": found, "gap": gap, "without a group": int((group == "").sum())}


def _wilson(hits: int, of: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson, 1927, doi:10.1080/01621459.1927.10502953), which holds for
    small groups and shares of all or none too.
    """
    interval = binomtest(hits, of).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def render_recalls(found: dict) -> str:
    """A table for a terminal: a line a group, with the recall of each class that there is, its 95 %
    interval, and of how many faces; then the widest gap of each, between groups of ``FEW`` faces.
    """
    groups = found["groups"]
    width = max(map(len, (*groups, "widest gap")))
    present = [e for e in EMOTIONS if any(e in f["recall_wilson"] for f in groups.values())]
    head = "  ".join(f"{f'recall of {e} (95 %)':26}" for e in present)
    lines = [f"{'group':{width}}  {head}".rstrip()]
    for name, f in groups.items():
        cells = []
        for emotion in present:
            cell = "-"
            if emotion in f["recall_wilson"]:
                low, high = f["recall_wilson"][emotion]
                own = f["per_class"][emotion]
                cell = f"{own['recall']:4.0%} ({low:.0%} to {high:.0%}) of {own['support']}"
            cells.append(f"{cell:26}")
        lines.append(f"{name:{width}}  {'  '.join(cells)}".rstrip())
    gaps = []
    for emotion in present:
        own = [f["per_class"][emotion] for f in groups.values()]
        recalls = [c["recall"] for c in own if c["support"] >= FEW]
        gap = f"{100 * (max(recalls) - min(recalls)):.0f} points" if len(recalls) > 1 else "-"
        gaps.append(f"{gap:26}")
    lines.append(f"{'widest gap':{width}}  {'  '.join(gaps)}".rstrip())
    return "\n".join(lines)


def render(found: dict) -> str:
    """A table for a terminal: a line a group, then the widest gap."""
    width = max(map(len, (*found["groups"], "group")))
    lines = [f"{'group':{width}}  faces  accuracy (95 % between)    macro recall     ECE"]
    for name, f in found["groups"].items():
        low, high = f["intervals"]["accuracy"]
        recall = np.mean([c["recall"] for c in f["per_class"].values() if c["support"]])
        lines.append(
            f"{name:{width}} {f['n']:6}  {f['accuracy']:7.2%} ({low:.2%} to {high:.2%})"
            f" {recall:12.2%} {f['ece']:9.4f}"
        )
    gap = found["gap"]
    if gap:
        lines.append(
            f"widest gap in accuracy: {gap['accuracy'] * 100:.1f} points, {gap['best']} over "
            f"{gap['worst']}"
        )
    else:
        lines.append(f"no two groups of {SMALL} faces or more: no gap is given")
    if found["without a group"]:
        lines.append(f"{found['without a group']} faces have no group")
    return "\n".join(lines)
