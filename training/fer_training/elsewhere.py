# SPDX-License-Identifier: Apache-2.0
"""What a model is worth on faces of several origins: the figures that choose what ships.

Balanced recall is the mean of the recalls of the classes, so that a set's own mix of expressions
has no say. All seven are answers, also where a set lacks some: a robot does not know which to
expect.
"""

import re
from collections.abc import Callable, Sequence

import numpy as np

from fer_ros.emotions.classes import EMOTIONS
from fer_ros.emotions.classifier import softmax
from fer_training.calibration import expected_calibration_error
from fer_training.dataset import DatasetError, Faces, majority

LEAST = 5
"""Faces under which a class has its recall, but no say in a set's balanced recall."""
DRAWS = 2000
FER_2013 = "FER-2013"
MEAN = "mean elsewhere"


def people_of(names: np.ndarray, pattern: str | None) -> np.ndarray:
    """Whose face each is, int64 [N], by the group of the regular expression ``pattern`` in its
    name; where it is not in each of them, nobody is known and each face is somebody else's.

    Raises DatasetError for a pattern that is none or has no group.
    """
    try:
        found = [re.search(pattern, str(name)) for name in names] if pattern else []
        if found and all(found):
            return np.unique([match[1] for match in found if match], return_inverse=True)[1]
    except (re.error, IndexError) as error:
        raise DatasetError(f"{pattern!r} has no group that tells people apart: {error}") from None
    return np.arange(len(names))


def judged(logits: np.ndarray, labels: np.ndarray, temperature: float = 1.0, people=None) -> dict:
    """Figures of one set: ``n``, ``accuracy``, ``balanced`` recall over the classes of which there
    are ``LEAST`` faces, its 95 % ``interval`` by bootstrap over ``people`` (int [N]; None: over
    faces) and all its ``draws``, ``recall`` by class (None where there is no face), ``classes``,
    how many are in ``balanced``, and the calibration error, ``ece`` as the faces are and
    ``ece_balanced`` with each class as often as any other.

    ``logits``: float [N, 7]; ``labels``: int [N].
    """
    right = logits.argmax(axis=1) == labels
    count = np.bincount(labels, minlength=len(EMOTIONS))
    hits = np.bincount(labels, right, minlength=len(EMOTIONS))
    recall = hits / np.maximum(count, 1)
    has_a_say = count >= min(LEAST, count.max())
    draws = _balanced_draws(right, labels, has_a_say, people)
    probabilities = softmax(logits / temperature)
    return {
        "n": len(labels),
        "accuracy": float(right.mean()),
        "balanced": float(recall[has_a_say].mean()),
        "classes": int(has_a_say.sum()),
        "interval": [float(v) for v in np.percentile(draws, [2.5, 97.5])],
        "draws": draws,
        "recall": {name: float(recall[i]) if count[i] else None for i, name in enumerate(EMOTIONS)},
        "ece": expected_calibration_error(probabilities, labels),
        "ece_balanced": expected_calibration_error(
            probabilities, labels, weights=1 / count[labels]
        ),
    }


def _balanced_draws(right, labels, has_a_say, people, seed=0):
    """Balanced recall of ``DRAWS`` drawings of people with replacement, float64 [DRAWS]."""
    people = np.arange(len(labels)) if people is None else people
    size = people.max() + 1
    there, hit = np.zeros((2, size, len(has_a_say)))
    np.add.at(there, (people, labels), 1)
    np.add.at(hit, (people[right], labels[right]), 1)
    random = np.random.default_rng(seed)
    draws = []
    for _ in range(DRAWS // 100):
        drawn = random.multinomial(size, np.full(size, 1 / size), 100).astype(float)
        count = drawn @ there[:, has_a_say]
        recall = np.where(count > 0, drawn @ hit[:, has_a_say] / np.maximum(count, 1), np.nan)
        draws.append(np.nanmean(recall, axis=1))
    return np.concatenate(draws)


def on_fer_2013(
    logits: np.ndarray, faces: Faces, temperature: float, keys: np.ndarray | None
) -> dict[str, dict]:
    """``judged`` for FER-2013 by its labels; for the pictures that are not among ``keys``, uint64
    [M]; and with votes by FER+'s majority, and where label and majority agree. By their names.
    """
    found = {FER_2013: judged(logits, faces.labels, temperature)}
    if keys is not None and (unseen := ~np.isin(faces.keys(), keys)).any():
        found["deduplicated"] = judged(logits[unseen], faces.labels[unseen], temperature)
    if faces.votes is not None:
        label, sure = majority(faces.votes)
        if sure.any():
            found["FER+ majority"] = judged(logits[sure], label[sure], temperature)
        if (both := sure & (label == faces.labels)).any():
            found["label and majority agree"] = judged(logits[both], label[both], temperature)
    return found


def on_sets(
    answer: Callable[[np.ndarray], np.ndarray],
    sets: Sequence[Faces],
    temperature: float = 1.0,
    people: str | None = None,
) -> dict[str, dict]:
    """``judged`` for each of ``sets``, by its ``usage``, and as ``MEAN`` their mean ``balanced``
    recall with its interval: of those with two classes or more, since one alone is read right by
    whoever always says it. ``answer``: uint8 [N, 48, 48] -> logits; ``people``: as ``people_of``.
    """
    found = {
        str(own.usage[0]): judged(
            answer(own.images), own.labels, temperature, people_of(own.names, people)
        )
        for own in sets
    }
    if several := [f for f in found.values() if f["classes"] > 1]:
        draws = np.mean([f["draws"] for f in several], axis=0)
        found[MEAN] = {
            "n": sum(f["n"] for f in several),
            "balanced": float(np.mean([f["balanced"] for f in several])),
            "interval": [float(v) for v in np.percentile(draws, [2.5, 97.5])],
            "ece": float(np.mean([f["ece"] for f in several])),
            "ece_balanced": float(np.mean([f["ece_balanced"] for f in several])),
        }
    return found


def without_draws(found: dict[str, dict]) -> dict[str, dict]:
    """``found`` as it is written to a file."""
    return {name: {k: v for k, v in f.items() if k != "draws"} for name, f in found.items()}


def render(found: dict[str, dict]) -> str:
    """A table for a terminal: a line a set."""
    width = max(map(len, found))
    lines = [
        f"{'':{width}}  faces  accuracy  balanced recall (95 %)     ECE  balanced   recall of "
        + " ".join(f"{name[:5]:>5}" for name in EMOTIONS)
    ]
    for name, f in found.items():
        low, high = f["interval"]
        accuracy = f"{f['accuracy']:9.2%}" if "accuracy" in f else 9 * " "
        recalls = f["recall"].values() if "recall" in f else ()
        recall = " ".join("    -" if v is None else f"{v:5.2f}" for v in recalls)
        lines.append(
            f"{name:{width}} {f['n']:6} {accuracy}   {f['balanced']:.3f} ({low:.3f} to {high:.3f})"
            f" {f['ece']:9.3f} {f['ece_balanced']:9.3f} {'':11}{recall}".rstrip()
        )
    return "\n".join(lines)
