# SPDX-License-Identifier: Apache-2.0
"""Whether a model serves some groups of people worse than others."""

import csv
from pathlib import Path

import numpy as np

from fer_training.dataset import DatasetError, Faces
from fer_training.metrics import intervals, report

SMALL = 30
"""Faces under which a group has its line, but no say in the widest gap."""


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


def by_group(logits: np.ndarray, faces: Faces, group: np.ndarray, temperature: float) -> dict:
    """Figures of ``metrics.report``, with intervals, of each group under ``groups``; ``gap``: the
    widest difference in accuracy between groups of at least ``SMALL`` faces, None without two.

    ``logits``: float [N, 7]; ``group``: str [N], "" takes no part.
    """
    found = {}
    for name in sorted(set(group) - {""}):
        own = group == name
        figures = report(logits[own], faces.labels[own], temperature)
        found[str(name)] = figures | {"intervals": intervals(figures["confusion"])}
    ranked = sorted((f["accuracy"], name) for name, f in found.items() if f["n"] >= SMALL)
    gap = None
    if len(ranked) > 1:
        (least, worst), (most, best) = ranked[0], ranked[-1]
        gap = {"accuracy": most - least, "best": best, "worst": worst}
    return {"groups": found, "gap": gap, "without a group": int((group == "").sum())}


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
