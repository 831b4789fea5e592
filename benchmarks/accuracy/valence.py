# SPDX-License-Identifier: Apache-2.0
"""How the valence that is published goes with the one that people saw in the same faces.

Pearson's correlation over the rows of RATINGS, a CSV with the columns ``row`` (of the data set,
from 0) and ``valence`` and ``arousal`` as people rated them; with a bootstrap interval. The map of
the probabilities is fixed (``fer_ros.emotions.classes.VALENCE``), fitted to nothing.

    python -m benchmarks.accuracy.valence --csv fer2013.csv --ratings valence.csv
"""

import argparse
import csv
from pathlib import Path

import numpy as np
from fer_training.dataset import load

from fer_ros.emotions.classes import EMOTIONS, VALENCE, valence_of
from fer_ros.emotions.classifier import Classifier

ROUNDS = 2000  # of the bootstrap


def correlation(a: np.ndarray, b: np.ndarray) -> tuple[float, float, float]:
    """Pearson's correlation, and the interval in which 95 % of the resampled ones lie."""
    random = np.random.default_rng(0)
    draws = random.integers(0, len(a), (ROUNDS, len(a)))
    resampled = [np.corrcoef(a[rows], b[rows])[0, 1] for rows in draws]
    return np.corrcoef(a, b)[0, 1], *np.percentile(resampled, (2.5, 97.5))


def main():
    """Print the correlations."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--csv", required=True, help="fer2013.csv, .csv.xz or .zip")
    parser.add_argument("--ratings", type=Path, required=True, help="what people saw")
    parser.add_argument("--model", default="", help="default: the built-in one")
    options = parser.parse_args()

    with options.ratings.open(newline="") as file:
        rated = list(csv.DictReader(file))
    faces, classifier = load(options.csv), Classifier(options.model)
    images = faces.images[[int(row["row"]) for row in rated]]
    said = np.array([valence_of(classifier.probabilities(image)) for image in images])
    print(f"{classifier.identity}, {len(rated)} faces")
    print(", ".join(f"{name} {value:g}" for name, value in zip(EMOTIONS, VALENCE, strict=True)))
    for name in ("valence", "arousal"):
        seen = np.array([float(row[name]) for row in rated])
        r, low, high = correlation(said, seen)
        print(f"with rated {name}: {r:.2f} ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
