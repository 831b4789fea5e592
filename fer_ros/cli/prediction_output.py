# SPDX-License-Identifier: Apache-2.0
"""What ``fer_ros-predict`` prints: a table, JSON or CSV, while it goes on."""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Protocol

from fer_ros.cli.picture_batch import FileResult

Print = Callable[[str], None]


class Output(Protocol):
    """Takes readings as they come."""

    def add(self, reading: FileResult) -> None:
        """One image more."""

    def end_video(self, file: str) -> None:
        """No more of this video."""


class JsonLines:
    """A JSON object a line for each image: ``file``, ``time`` and ``Result.to_dict``."""

    def __init__(self, out: Print):
        self._out = out

    def add(self, reading: FileResult) -> None:
        """See Output."""
        line = {"file": reading.file, "time": reading.time} | reading.content
        self._out(json.dumps(line, allow_nan=False))

    def end_video(self, file: str) -> None:
        """See Output."""


class Csv:
    """A row for each face of each image: ``file``, ``time`` and ``Result.to_records``."""

    def __init__(self, out: Print):
        self._out, self._has_header = out, False

    def add(self, reading: FileResult) -> None:
        """See Output."""
        for record in reading.records:
            row = {"file": reading.file, "time": reading.time} | record
            if not self._has_header:
                self._has_header = True
                self._write(list(row))
            self._write(list(row.values()))

    def end_video(self, file: str) -> None:
        """See Output."""

    def _write(self, values: list) -> None:
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(values)
        self._out(line.getvalue())


class Table:
    """A line for each face of a picture; of a video one for each of its faces at its end, or, of a
    ``live`` one, at each change.
    """

    def __init__(self, out: Print, width: int, live: bool = False):
        self._out, self._width, self._live = out, width, live
        self._faces: dict[int, _Seen] = {}
        self._has_header = False

    def add(self, reading: FileResult) -> None:
        """See Output."""
        if reading.time is None:
            if not self._has_header:  # of pictures' columns, which the lines of videos do not have
                self._has_header = True
                self._line("file", f"{'expression':12} {'sure':>5} {'quality':>8}  box")
            for words in _of_picture(reading.records):
                self._line(reading.file, words)
            return
        for record in reading.records:
            seen = self._faces.setdefault(record["track_id"], _Seen(reading.time))
            if self._live and record["label"] != seen.label:
                words = f"face {record['track_id']} {record['label']} {record['confidence']:.0%}"
                self._line(reading.file, f"{reading.time:8.1f} s  {words}")
            seen.add(record["label"], reading.time)

    def end_video(self, file: str) -> None:
        """See Output."""
        if not self._faces:
            self._line(file, "no face")
        for track_id, seen in self._faces.items():
            self._line(file, f"face {track_id}, {seen}")
        self._faces.clear()

    def _line(self, file: str, words: str) -> None:
        name = file if len(file) <= self._width else f"...{file[3 - self._width :]}"
        self._out(f"{name:{self._width}}  {words}")


class _Seen:
    """One face of a video."""

    def __init__(self, time: float):
        self.label = ""
        self._first = self._last = time
        self._labels: Counter[str] = Counter()

    def add(self, label: str, time: float) -> None:
        self.label, self._last = label, time
        self._labels[label] += 1

    def __str__(self) -> str:
        total = self._labels.total()
        shares = ", ".join(f"{name} {n / total:.0%}" for name, n in self._labels.most_common(3))
        return f"{self._first:.1f} to {self._last:.1f} s: {shares}"


def _of_picture(records: list[dict]) -> Iterator[str]:
    if not records:
        yield "no face"
    for face in records:
        where = f"{face['width']}x{face['height']} at {face['x']},{face['y']}"
        quality = "-" if face["quality"] is None else f"{face['quality']:.2f}"
        yield f"{face['label']:12} {face['confidence']:5.0%} {quality:>8}  {where}"
