# SPDX-License-Identifier: Apache-2.0
"""What the node says of its health, as one diagnostic_msgs/DiagnosticStatus (REP 107)."""

import statistics
import threading
import time
from collections import Counter

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

MAX_REASONS = 32


class Health:
    """Counts and times since the last report. Written by the worker, read by the executor."""

    def __init__(self):
        self.errors: Counter[str] = Counter()
        self.last_error = ""
        self.failure = ""
        """Why the last transition failed; empty when it did not."""
        self._lock = threading.Lock()
        self._times: dict[str, list[float]] = {}
        self._reported = time.monotonic()

    def error(self, reason: str) -> bool:
        """Count an error; True the first time this one is heard of, to be logged then."""
        with self._lock:
            first = reason not in self.errors and len(self.errors) < MAX_REASONS
            if first or reason in self.errors:
                self.errors[reason] += 1
            else:
                self.errors["others"] += 1
            self.last_error = reason
            return first

    def processed(self, **seconds: float) -> None:
        """Note one processed image: its age and what each stage took, in seconds."""
        with self._lock:
            for name, value in seconds.items():
                self._times.setdefault(name, []).append(value)

    def take(self) -> tuple[float, dict[str, list[float]]]:
        """Seconds since the last call, and the times noted in them."""
        with self._lock:
            now = time.monotonic()
            elapsed, self._reported = now - self._reported, now
            times, self._times = self._times, {}
            return elapsed, times


def status(name: str, hardware_id: str, state: str, health: Health, counts, **facts: str):
    """The DiagnosticStatus. ``counts``: received, processed, superseded since the start;
    ``facts``: further values, in their order.
    """
    received, processed, superseded = counts
    elapsed, times = health.take()
    ages = times.pop("age", [])
    values = {
        "state": state,
        **facts,
        "received": received,
        "processed": processed,
        "superseded": superseded,
        "errors": health.errors.total(),
        "last error": health.last_error,
        "rate (Hz)": f"{len(ages) / elapsed:.1f}",
    }
    if ages:
        values["age median (ms)"] = f"{statistics.median(ages) * 1e3:.1f}"
        values["age maximum (ms)"] = f"{max(ages) * 1e3:.1f}"
    values |= {f"{k} (ms)": f"{statistics.median(v) * 1e3:.2f}" for k, v in times.items()}
    level, message = _judge(state, health, bool(ages))
    return DiagnosticStatus(
        level=level,
        name=name,
        hardware_id=hardware_id,
        message=message,
        values=[KeyValue(key=k, value=str(v)) for k, v in values.items()],
    )


def _judge(state, health, any_images):
    if health.failure:
        return DiagnosticStatus.ERROR, health.failure
    if state != "active":
        return DiagnosticStatus.OK, state
    if not any_images:
        reason = f"; last error: {health.last_error}" if health.last_error else ""
        return DiagnosticStatus.WARN, f"no image processed since the last report{reason}"
    return DiagnosticStatus.OK, "processing"
