# SPDX-License-Identifier: Apache-2.0
"""What a person says the faces in a recording show, from a CSV file."""

import csv
from pathlib import Path
from typing import NamedTuple

from fer_ros.emotions.classes import EMOTIONS
from fer_ros.lines import LineError

NO_FACE = "no face"
"""In place of an expression: nobody is to be seen."""
STAMPS_FROM = 1e8
"""Times from here on are stamps (seconds since 1970), smaller ones count from the bag's start."""


class LabelsError(LineError, ValueError):
    """The file cannot be used; the message is one line that says where and why."""


class Label(NamedTuple):
    """An expression, or NO_FACE, from ``start`` to before ``end``, in seconds; ``id`` None: of the
    largest face.
    """

    start: float
    end: float
    id: int | None
    expression: str

    def left(self, time: float, stamp: float) -> float:
        """Seconds until its end, for an image ``time`` seconds into the bag with that stamp; 0 or
        less where it does not hold.
        """
        now = stamp if self.start >= STAMPS_FROM else time
        return self.end - now if self.start <= now else 0.0


class Labels:
    """The labels of one recording.

    ``path``: CSV with a header line naming ``start``, ``end``, ``expression`` and, if wanted,
    ``id``. Raises LabelsError.
    """

    def __init__(self, path: Path):
        try:
            with path.open(newline="", encoding="utf-8-sig") as file:
                rows = list(csv.DictReader(file, skipinitialspace=True))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise LabelsError(f"{path}: cannot be read: {error}") from None
        if not rows or not {"start", "end", "expression"} <= rows[0].keys():
            raise LabelsError(f"{path}: expected the columns start,end,id,expression and a row")
        self.rows = [_label(f"{path} line {i}", row) for i, row in enumerate(rows, 2)]

    def at(self, time: float, stamp: float) -> dict[int | None, Label]:
        """What holds, by id, for an image ``time`` seconds into the bag with that stamp; the later
        line wins.
        """
        return {label.id: label for label in self.rows if label.left(time, stamp) > 0}


def _label(place: str, row: dict) -> Label:
    try:
        start, end = float(row["start"]), float(row["end"])
        number = (row.get("id") or "").strip()
        label = Label(start, end, int(number) if number else None, row["expression"].strip())
    except (TypeError, ValueError, AttributeError):
        raise LabelsError(f"{place}: start and end are seconds, id is a whole number") from None
    if not label.end > label.start:
        raise LabelsError(f"{place}: the end is not after the start")
    if label.expression not in (*EMOTIONS, NO_FACE):
        known = ", ".join((*EMOTIONS, NO_FACE))
        raise LabelsError(f"{place}: {label.expression!r}: expected one of {known}")
    if label.expression == NO_FACE and label.id is not None:
        raise LabelsError(f"{place}: {NO_FACE} applies to the whole image: leave the id empty")
    return label
