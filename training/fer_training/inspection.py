# SPDX-License-Identifier: Apache-2.0
"""What is in a data set and what is wrong with it: counts, repeats, leaks, doubtful labels."""

from typing import Any

import numpy as np

from fer_ros.emotions.classes import EMOTIONS
from fer_training.dataset import USAGES, Faces, majority
from fer_training.near import NEAR, near_pairs, perceptual_hashes


def inspect(faces: Faces, *, near: bool = True) -> dict:
    """Counts of rows, of repeats and of agreement with FER+, for ``render`` and for JSON.

    Exact repeats are equal byte for byte. ``near`` compares perceptual hashes (pHash, Zauner 2010)
    too, among pictures that differ; it takes a minute for FER-2013.
    """
    usages = [u for u in USAGES if (faces.usage == u).any()]
    figures = {
        "counts": {u: _counts(faces.of(u)) for u in usages},
        "exact": _exact(faces, usages),
    }
    if near:
        figures["near"] = {"bits": NEAR} | _near(faces, usages)
    if faces.votes is not None:
        figures["votes"] = {u: _agreement(faces.of(u)) for u in usages}
    return figures


def _counts(faces):
    counts = np.bincount(faces.labels, minlength=len(EMOTIONS)).tolist()
    return dict(zip(EMOTIONS, counts, strict=True))


def _exact(faces, usages):
    keys = faces.keys()
    found: dict[str, Any] = {"within": {}, "across": {}}
    for usage in usages:
        own = keys[faces.usage == usage]
        found["within"][usage] = int(len(own) - len(np.unique(own)))
        for other in usages:
            if other != usage:
                shared = np.isin(own, keys[faces.usage == other])
                found["across"][f"{usage} rows also in {other}"] = int(shared.sum())
    _, picture = np.unique(keys, return_inverse=True)
    labels = np.zeros((picture.max() + 1, len(EMOTIONS)), bool)
    labels[picture, faces.labels] = True
    found["pictures with two labels or more"] = int((labels.sum(axis=1) > 1).sum())
    return found


def _near(faces, usages):
    """Rows that have a near, not equal, picture: within a split (before them), and in another."""
    _, first = np.unique(faces.keys(), return_index=True)
    pictures = faces.select(np.sort(first))
    hashes = perceptual_hashes(pictures.images)
    found: dict[str, dict[str, int]] = {"within": {}, "across": {}}
    for usage in usages:
        own = hashes[pictures.usage == usage]
        found["within"][usage] = _count_near(own)
        for other in usages:
            if other != usage:
                near = _count_near(own, hashes[pictures.usage == other])
                found["across"][f"{usage} pictures near one in {other}"] = near
    return found


def _count_near(hashes, others=None) -> int:
    """How many hashes are near one of ``others``, or of those before it."""
    return len(np.unique(near_pairs(hashes, others)[:, 0]))


def _agreement(faces):
    label, sure = majority(faces.votes)
    return {
        "label is the majority": float((label == faces.labels).mean()),
        "majority is one of the seven": float(sure.mean()),
        "label is the majority, of those": float((label == faces.labels)[sure].mean()),
        "no face, by the majority": float((label == faces.votes.shape[1] - 1).mean()),
    }


def render(figures: dict) -> str:
    """The figures of ``inspect`` as text for a terminal."""
    counts = figures["counts"]
    lines = ["class     " + "".join(f"{u:>13}" for u in counts)]
    for name in EMOTIONS:
        lines += [f"{name:10}" + "".join(f"{c[name]:13,}" for c in counts.values())]
    lines.append("all       " + "".join(f"{sum(c.values()):13,}" for c in counts.values()))
    lines += ["", "Equal pictures, byte for byte"]
    lines += _repeats(figures["exact"], "rows that repeat an earlier one of")
    lines.append(_line("pictures with two labels or more", figures["exact"]))
    if "near" in figures:
        lines += ["", f"Near pictures, not equal: perceptual hashes within {NEAR} of 64 bits"]
        lines += _repeats(figures["near"], "pictures near an earlier one of")
    for usage, votes in figures.get("votes", {}).items():
        lines += ["", f"FER+'s ten annotators on {usage}"]
        lines += [f"  {share:7.1%}  {name}" for name, share in votes.items()]
    return "\n".join(lines)


def _repeats(found, words):
    lines = [f"  {n:7,}  {words} {usage}" for usage, n in found["within"].items()]
    return lines + [f"  {n:7,}  {name}" for name, n in found["across"].items()]


def _line(name, found):
    return f"  {found[name]:7,}  {name}"
