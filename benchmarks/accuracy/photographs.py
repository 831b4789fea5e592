# SPDX-License-Identifier: Apache-2.0
"""Photographs through the whole pipeline: whose expression would an onlooker accept?

FOLDER holds photographs and ``labels.csv`` with the columns ``file`` and ``acceptable``: the
expressions that would do, joined by ``|``.
"""

import argparse
import csv
from pathlib import Path

import cv2

from fer_ros.emotions.classes import EMOTIONS
from fer_ros.faces.detectors import NAMES
from fer_ros.observation import Observation
from fer_ros.parameters import create_pipeline


def main():
    """Print a row for each photograph and the count of accepted labels."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--model", default="", help="default: the built-in one")
    parser.add_argument("--detector", default="auto", choices=NAMES)
    parser.add_argument("--detector-model", default="", help="the detector's file, for YuNet")
    options = parser.parse_args()

    values = {
        "detector": options.detector,
        "detector_model": options.detector_model,
        "model": options.model,
        "uncertain_threshold": 0.0,  # each is to be named
    }
    pipeline = create_pipeline(**values)
    print(f"{pipeline.classifier.identity}, faces by {pipeline.detector.name}\n")
    print(f"{'file':14} {'label':9} {'share':>5}  {'acceptable':28} second")
    rows = list(csv.DictReader((options.photos / "labels.csv").open(newline="")))
    accepted = sum(_try(row, options.photos, pipeline) for row in rows)
    print(f"\n{accepted} of {len(rows)} accepted")


def _try(row, folder, pipeline) -> bool:
    """Print one photograph's row; whether the largest face's likeliest class is accepted."""
    pipeline.reset()  # no photograph follows another
    faces = pipeline.process(Observation(cv2.imread(str(folder / row["file"])), 1.0)).faces
    if not faces:
        print(f"{row['file']:14} no face")
        return False
    acceptable = row["acceptable"].split("|")
    face = faces[0]
    (_, _), (share, second) = sorted(
        zip(face.raw_probabilities, EMOTIONS, strict=True), reverse=True
    )[:2]
    mark = "" if face.label in acceptable else "   <--"
    print(
        f"{row['file']:14} {face.label:9} {face.confidence:5.0%}  {', '.join(acceptable):28} "
        f"{second} {share:.0%}{mark}"
    )
    return face.label in acceptable


if __name__ == "__main__":
    main()
