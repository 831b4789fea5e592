# SPDX-License-Identifier: Apache-2.0
"""The figures of an evaluation: shares, label flips, detection rate, confusion, F1, percentiles."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise, zip_longest
from typing import Any, NamedTuple, SupportsFloat

import numpy as np

from fer_ros.emotions.classes import COLOURS, EMOTIONS
from fer_ros.evaluation.labels import NO_FACE, Label, Labels
from fer_ros.result import Box

LABELS = tuple(COLOURS)
"""The seven classes and ``uncertain``."""
ANSWERS = (*LABELS, NO_FACE)
"""What may be answered to a labelled face: the columns of a confusion matrix."""
PERCENTILES = (50, 90, 99, 100)


class ObservedFace(NamedTuple):
    """One face of one image; ``probabilities``: smoothed, float32 [7]; ``box``: in pixels."""

    id: int
    label: str
    probabilities: np.ndarray
    box: Box


class ObservedImage(NamedTuple):
    """One processed image: ``time``, seconds since the bag's start; ``stamp``, seconds; ``faces``,
    the largest first.
    """

    time: float
    stamp: float
    faces: tuple[ObservedFace, ...]


Track = list[tuple[float, ObservedFace]]
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


def tracks(observed: Iterable[ObservedImage]) -> dict[int, Track]:
    """What was observed of each id, in the order of the ids."""
    found: dict[int, Track] = defaultdict(list)
    for image in observed:
        for face in image.faces:
            found[face.id].append((image.time, face))
    return dict(sorted(found.items()))


def figures(observed: Sequence[ObservedImage], max_gap: float, events: int | None = None) -> dict:
    """What can be said without labels: counts, and their ``rates``. ``max_gap``: seconds unseen
    that are no time in view; ``events``: how many there were, where that is known.
    """
    by_id = tracks(observed)
    labels = Counter(f.label for image in observed for f in image.faces)
    flips, seconds = 0, 0.0
    for track in by_id.values():
        for (before, a), (now, b) in pairwise(track):
            if 0 < now - before <= max_gap:
                flips += a.label != b.label
                seconds += now - before
    with_face = sum(1 for image in observed if image.faces)
    counts = {
        "images": len(observed),
        "seconds": rounded(observed[-1].time - observed[0].time) if observed else 0.0,
        "faces": labels.total(),
        "uncertain": labels["uncertain"],
        "seconds_in_view": rounded(seconds),
        "label_flips": flips,
        "new_ids": len(by_id),
        **({} if events is None else {"events": events}),
    }
    return {
        **counts,
        "images_with_face": with_face,
        "detection_rate": _over(with_face, len(observed)),
        **rates(counts),
        "shares": shares(labels),
        "ids": {str(i): _about(track) for i, track in by_id.items()},
    }


def rates(counts: Mapping[str, float]) -> dict[str, float | None]:
    """What the counts of one recording, or their sums over many, are worth; None: of nothing.

    ``flips_per_minute``: changes of a face's label over the time it was in view.
    """
    seconds, faces = counts["seconds"], counts["faces"]
    found = {
        "flips_per_minute": _a_minute(counts["label_flips"], counts["seconds_in_view"]),
        "coverage": _over(faces - counts["uncertain"], faces),
        "uncertain_share": _over(counts["uncertain"], faces),
        "new_ids_per_minute": _a_minute(counts["new_ids"], seconds),
        "faces_per_image": _over(faces, counts["images"]),
    }
    if "events" in counts:
        found["events_per_minute"] = _a_minute(counts["events"], seconds)
    return found


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


def labelled(
    observed: Iterable[ObservedImage], labels: Labels
) -> Iterator[tuple[float, ObservedFace | None, Label]]:
    """Time, face and label of each labelled expression in each image; None: the face was not found.

    A label without an id is about the largest face whose id has no label of its own.
    """
    for image in observed:
        wanted = labels.at(image.time, image.stamp)
        named = {face.id: face for face in image.faces}
        unnamed = next((face for face in image.faces if face.id not in wanted), None)
        for number, label in wanted.items():
            if label.expression != NO_FACE:
                yield image.time, unnamed if number is None else named.get(number), label


def confusion(observed: Iterable[ObservedImage], labels: Labels) -> np.ndarray:
    """Labelled faces, int [7, 9]: rows the expressions labelled, columns ANSWERS."""
    counts = np.zeros((len(EMOTIONS), len(ANSWERS)), int)
    for _, face, label in labelled(observed, labels):
        answer = face.label if face else NO_FACE
        counts[EMOTIONS.index(label.expression), ANSWERS.index(answer)] += 1
    return counts


def against(observed: Sequence[ObservedImage], labels: Labels) -> dict:
    """What can be said with labels: ``scores``, false faces, and how often the id that answers to
    one label changed.
    """
    switches = 0
    last: dict[Label, int] = {}
    for _, face, label in labelled(observed, labels):
        if face:
            switches += last.setdefault(label, face.id) != face.id
            last[label] = face.id
    scored = scores(confusion(observed, labels))
    return scored | _false_faces(observed, labels) | {"id_switches": switches}


def _false_faces(observed: Sequence[ObservedImage], labels: Labels) -> dict:
    """Ids seen while no face is the truth, and for how long that was looked at."""
    ids, seconds = set(), 0.0
    step = usual_step(observed)
    for image, after in zip_longest(observed, observed[1:]):
        truth = labels.at(image.time, image.stamp)
        if None in truth and truth[None].expression == NO_FACE:
            ids |= {face.id for face in image.faces} - truth.keys()
            lasts = after.time - image.time if after else step
            seconds += min(lasts, truth[None].left(image.time, image.stamp))
    counts = {"false_faces": len(ids), "seconds_without_face": rounded(seconds)}
    return counts | false_face_rate(counts)


def false_face_rate(counts: Mapping[str, float]) -> dict[str, float | None]:
    """As ``rates``, of what was labelled as without a face."""
    rate = _a_minute(counts["false_faces"], counts["seconds_without_face"])
    return {"false_faces_per_minute": rate}


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
            "precision": _over(hits[i], given[i]),
            "recall": _over(hits[i], wanted[i]),
            "f1": _over(2 * hits[i], wanted[i] + given[i]),
        }
        for i, name in enumerate(EMOTIONS)
    }
    f1 = [classes[name]["f1"] for i, name in enumerate(EMOTIONS) if wanted[i]]
    return {
        "labelled": total,
        "accuracy": _over(hits.sum(), total),
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


def agreement(first: Iterable[ObservedImage], second: Iterable[ObservedImage]) -> dict:
    """Two evaluations of the same images: how often a face that both found bears the same label.

    It is the same face when the middle of the one box lies in the other.
    """
    others = {image.time: image.faces for image in second}
    pairs = [
        (face.label, other.label)
        for image in first
        for face in image.faces
        for other in others.get(image.time, ())
        if other.box.has(face.box.centre)
    ]
    same = sum(a == b for a, b in pairs)
    return {"faces": len(pairs), "same": _over(same, len(pairs))}


def _over(count: float, whole: float) -> float | None:
    return rounded(count / whole) if whole else None


def _a_minute(count: float, seconds: float) -> float | None:
    return _over(60 * count, seconds)


def rounded(value: SupportsFloat) -> float:
    """Four digits: what the figures are worth, and the same on every machine."""
    return round(float(value), 4)
