# SPDX-License-Identifier: Apache-2.0
"""One worker thread behind a one-slot mailbox in which the newest item wins.

However slow the work, an item waits for at most one other: delay stays bounded, and what was
superseded is counted, not queued.
"""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class LatestWorker(Generic[T]):
    """Calls ``work(item)`` on its own thread for the newest item put.

    ``max_rate``: at most so many items a second, 0 for all; newer items take the place of one that
    waits for its turn. Once stopped, received = processed + superseded. ``work`` must not raise.
    """

    def __init__(self, work: Callable[[T], None], max_rate: float = 0.0):
        self.max_rate = max_rate
        self.received = self.processed = self.superseded = 0
        self._work = work
        self._changed = threading.Condition()
        self._slot: T | None = None
        self._running = False
        self._thread: threading.Thread | None = None
        self._began: float | None = None

    def start(self) -> None:
        """Begin to work; ``put`` before this is superseded at once."""
        self._running = True
        self._thread = threading.Thread(target=self._run, name="latest_frame", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Wait for the item in work to end; the one that waits is superseded."""
        with self._changed:
            self._running = False
            self._drop()
            self._changed.notify()
        if self._thread:
            self._thread.join()
            self._thread = None

    def put(self, item: T) -> None:
        """Leave an item; the one that still waits is superseded."""
        with self._changed:
            self.received += 1
            self._drop()
            if self._running:
                self._slot = item
                self._changed.notify()
            else:
                self.superseded += 1

    def counts(self) -> tuple[int, int, int]:
        """Received, processed and superseded items at one moment; the difference is in work or
        waits.
        """
        with self._changed:
            return self.received, self.processed, self.superseded

    def busy(self) -> float:
        """Seconds that the item in work has taken so far, 0 when there is none."""
        began = self._began
        return 0.0 if began is None else time.monotonic() - began

    def _drop(self):
        if self._slot is not None:
            self._slot = None
            self.superseded += 1

    def _run(self):
        next_turn = 0.0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._slot is not None or not self._running)
                while self._running and (early := next_turn - time.monotonic()) > 0:
                    self._changed.wait(early)
                if not self._running:
                    return
                item, self._slot = self._slot, None
                next_turn = time.monotonic() + (1 / self.max_rate if self.max_rate > 0 else 0)
            self._began = time.monotonic()
            self._work(item)
            with self._changed:
                self._began = None
                self.processed += 1
