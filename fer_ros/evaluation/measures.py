# SPDX-License-Identifier: Apache-2.0
"""The figures of an evaluation: shares, label flips, detection rate, confusion, F1, percentiles."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, SupportsFloat

import numpy as np

from fer_ros.emotions.classes import COLOURS, EMOTIONS
from fer_ros.evaluation.labels import Labels
from fer_ros.result import Box

LABELS = tuple(COLOURS)
"""The seven classes and ``uncertain``."""
ANSWERS = (*LABELS, "no face")
"""What may be answered to a labelled face: the columns of a confusion matrix."""
PERCENTILES = (50, 90, 99, 100)


class Sighting(NamedTuple):
    """One face of one image; ``probabilities``: smoothed, float32 [7]; ``box``: in pixels."""

    id: int
    label: str
    probabilities: np.ndarray
    box: Box


class Look(NamedTuple):
    """One processed image: ``time``, seconds since the bag's start; ``stamp``, seconds; ``faces``,
    the largest first.
    """

    time: float
    stamp: float
    faces: tuple[Sighting, ...]


Track = list[tuple[float, Sighting]]
"""Time in seconds and what was seen, in order."""

MAX_GAP = 0.5  # seconds unseen that break a curve, unless the face is seen more seldom anyway


def usual_step(points: Sequence[tuple], single: float = 0.1) -> float:
    """Median of the seconds between two ``points``, (time, ...); ``single`` for less than two."""
    return float(np.median([b[0] - a[0] for a, b in pairwise(points)] or [single]))


def stretches(points: Sequence[tuple], step: float) -> list[list[tuple]]:
    """``points``, (time, ...), cut where nothing was seen for long or time went back.

    Each stretch ends with its last point once more, a ``step`` later: so long that is taken to
    last.
    """
    parts: list[list[tuple]] = []
    for point in points:
        if not parts or not 0 <= point[0] - parts[-1][-1][0] <= max(MAX_GAP, 3 * step):
            parts.append([])
        parts[-1].append(point)
    return [[*part, (part[-1][0] + step, *part[-1][1:])] for part in parts]


def tracks(looks: Iterable[Look]) -> dict[int, Track]:
    """The sightings of each id, in the order of the ids."""
    found: dict[int, Track] = defaultdict(list)
    for look in looks:
        for face in look.faces:
            found[face.id].append((look.time, face))
    return dict(sorted(found.items()))


def figures(looks: Sequence[Look], max_gap: float) -> dict:
    """What can be said without labels; ``max_gap``: seconds unseen that are no time observed.

    ``flips_per_minute``: changes of a face's label over the time it was in view.
    """
    by_id = tracks(looks)
    labels = Counter(f.label for look in looks for f in look.faces)
    flips, minutes = 0, 0.0
    for track in by_id.values():
        for (before, a), (now, b) in pairwise(track):
            if 0 < now - before <= max_gap:
                flips += a.label != b.label
                minutes += (now - before) / 60
    with_face = sum(1 for look in looks if look.faces)
    return {
        "images": len(looks),
        "images_with_face": with_face,
        "detection_rate": rounded(with_face / len(looks)) if looks else None,
        "faces": labels.total(),
        "label_flips": flips,
        "flips_per_minute": rounded(flips / minutes) if minutes else None,
        "shares": shares(labels),
        "ids": {str(i): _about(track) for i, track in by_id.items()},
    }


def shares(counts: Counter) -> dict[str, float]:
    """Of each label, its part of all; none of no labels."""
    return {n: rounded(counts[n] / counts.total()) for n in LABELS} if counts.total() else {}


def _about(track: Track) -> dict:
    counts = Counter(face.label for _, face in track)
    label, count = counts.most_common(1)[0]
    return {
        "faces": len(track),
        "first_s": rounded(track[0][0]),
        "last_s": rounded(track[-1][0]),
        "dominant": label,
        "share": rounded(count / len(track)),
    }


def labelled(looks: Iterable[Look], labels: Labels) -> Iterator[tuple[float, Sighting | None, str]]:
    """Time, face and expression of each label in each image; None: the face was not found.

    A label without an id is about the largest face whose id has no label of its own.
    """
    for look in looks:
        wanted = labels.at(look.time, look.stamp)
        named = {face.id: face for face in look.faces}
        unnamed = next((face for face in look.faces if face.id not in wanted), None)
        for number, expression in wanted.items():
            yield look.time, unnamed if number is None else named.get(number), expression


def confusion(looks: Iterable[Look], labels: Labels) -> np.ndarray:
    """Labelled faces, int [7, 9]: rows the expressions labelled, columns ANSWERS."""
    counts = np.zeros((len(EMOTIONS), len(ANSWERS)), int)
    for _, face, expression in labelled(looks, labels):
        answer = face.label if face else "no face"
        counts[EMOTIONS.index(expression), ANSWERS.index(answer)] += 1
    return counts


def scores(counts: np.ndarray) -> dict:
    """Accuracy, and precision, recall and F1 of each class, of a confusion matrix [7, 9].

    ``uncertain`` and ``no face`` are wrong answers; ``macro_f1`` is over the labelled classes.
    """
    hits = np.diagonal(counts)
    wanted, given = counts.sum(axis=1), counts[:, : len(EMOTIONS)].sum(axis=0)
    total = int(wanted.sum())
    classes: dict[str, dict[str, Any]] = {
        name: {
            "labelled": int(wanted[i]),
            "precision": rounded(hits[i] / given[i]) if given[i] else None,
            "recall": rounded(hits[i] / wanted[i]) if wanted[i] else None,
            "f1": rounded(2 * hits[i] / (wanted[i] + given[i])) if wanted[i] + given[i] else None,
        }
        for i, name in enumerate(EMOTIONS)
    }
    f1 = [classes[name]["f1"] for i, name in enumerate(EMOTIONS) if wanted[i]]
    return {
        "labelled": total,
        "accuracy": rounded(hits.sum() / total) if total else None,
        "macro_f1": rounded(np.mean(f1)) if f1 else None,
        "classes": classes,
        "confusion": counts.tolist(),
        "answers": list(ANSWERS),
    }


def latencies(seconds: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    """Percentiles of each stage, ms, from seconds of each image."""
    return {
        stage: {
            "max" if p == 100 else f"p{p}": round(float(np.percentile(values, p)) * 1e3, 3)
            for p in PERCENTILES
        }
        for stage, values in seconds.items()
        if values
    }


def agreement(first: Iterable[Look], second: Iterable[Look]) -> dict:
    """Two evaluations of the same images: how often a face that both found bears the same label.

    It is the same face when the middle of the one box lies in the other.
    """
    others = {look.time: look.faces for look in second}
    pairs = [
        (face.label, other.label)
        for look in first
        for face in look.faces
        for other in others.get(look.time, ())
        if other.box.has(face.box.centre)
    ]
    same = sum(a == b for a, b in pairs)
    return {"faces": len(pairs), "same": rounded(same / len(pairs)) if pairs else None}


def rounded(value: SupportsFloat) -> float:
    """Four digits: what the figures are worth, and the same on every machine."""
    return round(float(value), 4)
