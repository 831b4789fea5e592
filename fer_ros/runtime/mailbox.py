# SPDX-License-Identifier: Apache-2.0
"""One worker thread behind a mailbox with one slot for each sender, in which the newest item wins.

However slow the work, an item waits for at most one of each sender: delay stays bounded, and what
was dropped is counted, not queued.
"""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class MailboxWorker(Generic[T]):
    """Calls ``work(item)`` on its own thread for the newest item put, of each sender by turns.

    Once stopped, received = processed + dropped.

    Args:
        work: called with one item after the other.
        failed: called with what ``work`` or a command raises; the next item is looked at.
        max_rate: at most so many items a second, all where it is not over 0; newer items take the
            place of one that waits for its turn.
    """

    def __init__(
        self,
        work: Callable[[T], None],
        failed: Callable[[Exception], None],
        max_rate: float = 0.0,
    ):
        self.received = self.processed = self.dropped = 0
        self._work, self._failed = work, failed
        self._max_rate = max_rate
        self._changed = threading.Condition()
        self._slots: dict[Hashable, T] = {}
        self._commands: dict[str, Callable[[], None]] = {}
        self._thread: threading.Thread | None = None
        self._abandoned: set[threading.Thread] = set()
        self._began: float | None = None
        self._last_turn = float("-inf")

    @property
    def max_rate(self) -> float:
        """Items a second at most; all where it is not over 0. A change holds at once, for an item
        that waits too.
        """
        return self._max_rate

    @max_rate.setter
    def max_rate(self, rate: float) -> None:
        with self._changed:
            self._max_rate = rate
            self._changed.notify()

    def start(self) -> None:
        """Begin to work; ``put`` before this is dropped at once."""
        self._thread = threading.Thread(target=self._run, name="mailbox", daemon=True)
        self._thread.start()

    def stop(self, timeout: float | None = None) -> bool:
        """Wait for the item in work to end, ``timeout`` seconds at most (None: however long).

        Items that wait are dropped, and so is one that hangs: its thread is abandoned, its
        commands are dropped. Returns whether all came to an end.
        """
        with self._changed:
            thread, self._thread = self._thread, None
            self.dropped += len(self._slots)
            self._slots.clear()
            self._changed.notify()
        if thread is None:
            return True
        thread.join(timeout)
        with self._changed:
            commands, self._commands = self._commands, {}
            if thread.is_alive():
                self._abandoned.add(thread)
                self.dropped += 1
                self._began = None
                return False
        self._run_commands(commands)
        return True

    def put(self, item: T, sender: Hashable = None) -> None:
        """Leave an item; the sender's one that still waits is dropped, and this has its turn."""
        with self._changed:
            self.received += 1
            if self._thread is None or sender in self._slots:
                self.dropped += 1
            if self._thread:
                self._slots[sender] = item
                self._changed.notify()

    def drop(self, sender: Hashable = None) -> None:
        """Drop the item of a sender that waits, if any."""
        with self._changed:
            if self._slots.pop(sender, None) is not None:
                self.dropped += 1

    def call(self, name: str, command: Callable[[], None]) -> None:
        """Have a command done between two items, before the next one; at once while at rest.

        Never waits. Of several of one name that wait, the newest is done.
        """
        with self._changed:
            if self._thread:
                self._commands.pop(name, None)
                self._commands[name] = command
                self._changed.notify()
                return
        command()

    def counts(self) -> tuple[int, int, int]:
        """Received, processed and dropped items at one moment; the difference is in work or
        waits.
        """
        with self._changed:
            return self.received, self.processed, self.dropped

    def busy(self) -> float:
        """Seconds that the item in work has taken so far, 0 when there is none."""
        began = self._began
        return 0.0 if began is None else time.monotonic() - began

    def _run(self):
        me = threading.current_thread()
        while True:
            with self._changed:
                while self._thread is me and not self._commands:
                    wait = self._until_turn()
                    if wait is not None and wait <= 0:
                        break
                    self._changed.wait(wait)
                if self._thread is not me:
                    return
                commands, self._commands = self._commands, {}
                if not commands:
                    item = self._slots.pop(next(iter(self._slots)))
                    self._began = self._last_turn = time.monotonic()
            if commands:
                self._run_commands(commands)
                continue
            self._try(lambda item=item: self._work(item))
            with self._changed:
                if me in self._abandoned:
                    self._abandoned.remove(me)
                    return  # its item was counted when it was given up
                self._began = None
                self.processed += 1

    def _until_turn(self) -> float | None:
        """Seconds until an item that waits may be taken; None without one."""
        if not self._slots:
            return None
        # A rate near 0 asks for longer than any clock counts.
        pause = min(1 / self._max_rate, threading.TIMEOUT_MAX) if self._max_rate > 0 else 0.0
        return self._last_turn + pause - time.monotonic()

    def _run_commands(self, commands):
        for command in commands.values():
            self._try(command)

    def _try(self, action):
        try:
            action()
        except Exception as error:
            self._failed(error)
