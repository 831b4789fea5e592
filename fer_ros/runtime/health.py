# SPDX-License-Identifier: Apache-2.0
"""What the node remembers of its own work, for /diagnostics."""

import re
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_REASONS = 32
MAX_REASON = 300  # characters


def one_line(error: Exception) -> str:
    """An exception as text that any log and any message can carry."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return "".join(c if c.isprintable() else "?" for c in text)[:MAX_REASON]


def kind_of(reason: str) -> str:
    """An error's text without its numbers, such as sizes, which differ from image to image."""
    return re.sub(r"\d+", "#", reason)


@dataclass
class Period:
    """What happened between two reports: counts of images, and what follows.

    Attributes:
        seconds: that it lasted.
        ages: seconds from an image's stamp to its result.
        stages: seconds that each stage took, image by image.
        stamps: how many were "zero", "repeated", "late" (a little behind the one before) or
            "back" (so far that all began anew).
    """

    seconds: float = 0.0
    received: int = 0
    missed: int = 0
    dropped: int = 0
    processed: int = 0
    failed: int = 0
    ages: list[float] = field(default_factory=list)
    stages: dict[str, list[float]] = field(default_factory=dict)
    stamps: Counter = field(default_factory=Counter)


class Health:
    """Counts, times and errors. Written by the worker and the executor, read by the executor."""

    def __init__(self):
        self.errors: Counter[str] = Counter()
        """How often each kind of error came; texts that differ in numbers alone are of a kind."""
        self.stamps: Counter[str] = Counter()
        self.missed = 0
        """Images that were published and never came in."""
        self.forgotten = 0
        """How often all faces were forgotten because somebody asked: a reset, the end of being
        active."""
        self.last_error = ""
        self.failure = ""
        """Why the last transition failed; empty when it did not."""
        self.last_restart = ""
        """Why all faces were forgotten the last time, of itself; empty when they were not."""
        self.reload_failure = ""
        """Why the last reload failed; empty when it did not."""
        self._lock = threading.Lock()
        self._period = Period()
        self._counts = (0, 0)
        self._stamp = 0.0
        self._last_received = self._paused = self._erred = self._reported = time.monotonic()

    def note_received(self, missed: int = 0) -> None:
        """Note that an image came in, after ``missed`` that did not; or that listening begins."""
        self._last_received = time.monotonic()
        with self._lock:
            self.missed += missed
            self._period.missed += missed

    def silence(self) -> float:
        """Seconds since the last image came in."""
        return time.monotonic() - self._last_received

    def note_pause(self) -> None:
        """Note that no image can come at this moment, since what sends them is paused."""
        self._paused = time.monotonic()

    def waiting(self) -> float:
        """Seconds in which an image was to come and did not."""
        return time.monotonic() - max(self._last_received, self._paused)

    def error(self, reason: str) -> bool:
        """Count an error; True the first time this one comes, to be logged then."""
        with self._lock:
            self.last_error = reason[:MAX_REASON]
            kind = kind_of(self.last_error)
            first = kind not in self.errors and len(self.errors) < MAX_REASONS
            self.errors[kind if first or kind in self.errors else "others"] += 1
            self._erred = time.monotonic()
            return first

    def count_of_last_error(self) -> int:
        """How often an error of the last one's kind came."""
        return self.errors[kind_of(self.last_error)] or self.errors["others"]

    def failed(self, reason: str) -> bool:
        """Count an image left out; True the first time for this reason."""
        with self._lock:
            self._period.failed += 1
        return self.error(reason)

    def since_error(self) -> float:
        """Seconds since the last error."""
        return time.monotonic() - self._erred

    def processed(
        self,
        stamp: float,
        age: float,
        restart: str = "",
        *,
        same_image: bool = False,
        stages: Mapping[str, float] | None = None,
    ) -> None:
        """Note one processed image.

        Args:
            stamp: seconds; 0 for none.
            age: seconds from the stamp to the result.
            restart: why all faces were forgotten before it.
            same_image: another picture than the one before, whose stamp says nothing of this one's.
            stages: seconds that each stage took.
        """
        with self._lock:
            self._period.processed += 1
            if stamp:
                self._period.ages.append(age)
            for name, value in (stages or {}).items():
                self._period.stages.setdefault(name, []).append(value)
            kind = "back" if restart else "" if same_image else self._kind_of(stamp)
            self.last_restart = restart or self.last_restart
            if kind:
                self.stamps[kind] += 1
                self._period.stamps[kind] += 1
            self._stamp = stamp

    def _kind_of(self, stamp):
        if not stamp:
            return "zero"
        if stamp == self._stamp:
            return "repeated"
        return "late" if stamp < self._stamp else ""

    def take(self, received: int = 0, dropped: int = 0) -> Period:
        """The period since the last call; given are the counts since the start."""
        with self._lock:
            now = time.monotonic()
            period, self._period = self._period, Period()
            period.seconds, self._reported = now - self._reported, now
            period.received = received - self._counts[0]
            period.dropped = dropped - self._counts[1]
            self._counts = (received, dropped)
            return period
