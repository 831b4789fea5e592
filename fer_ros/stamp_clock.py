# SPDX-License-Identifier: Apache-2.0
"""A time line that never goes back, made of images' stamps: one policy for nodes and recordings."""

from statistics import median

MAX_BACK = 0.5
"""Seconds by which a stamp may lie behind the newest one without a new beginning: drivers that
stamp from two threads, or a clock that is set right, do so by milliseconds; a bag that is played
again by its length."""
STEPS = 5
"""Steps from which the usual one is taken."""
MISSES = 2.5
"""Usual steps for which a face may be unseen, however slow the camera: one image may miss it."""


def seconds_of(stamp) -> float:
    """A builtin_interfaces/Time, or what has its fields, in seconds."""
    return stamp.sec + stamp.nanosec * 1e-9


def nanoseconds_of(stamp) -> int:
    """The same in nanoseconds, exactly."""
    return stamp.sec * 10**9 + stamp.nanosec


class StampClock:
    """Turns stamps into a time line; where these say nothing, receipts.

    ``now``: seconds on the line; ``usual_step``: median of the seconds between the last images
    before this one, 0 while there were none.
    """

    def __init__(self):
        self.now = 0.0
        self.usual_step = 0.0
        self._steps: list[float] = []
        self._stamp = 0.0
        self._receipt: float | None = None

    def advance(self, stamp: float, receipt: float | None = None) -> str:
        """Go on to an image; returns why everything begins anew, empty when it does not.

        Args:
            stamp: seconds, when the image was taken; 0 for none.
            receipt: seconds of any steady clock, when it came in; used where ``stamp`` is 0 or
                stands still.
        """
        step = 0.0
        if stamp and self._stamp and stamp != self._stamp:
            step = stamp - self._stamp
        elif receipt is not None and self._receipt is not None:
            step = max(receipt - self._receipt, 0.0)
        self._receipt = receipt
        if -MAX_BACK <= step < 0:
            return ""  # the line stands still until the stamps have caught up
        self._stamp = stamp
        if step < 0:
            self._steps.clear()
            self.usual_step = 0.0
            return f"stamps went back by {-step:.1f} s"
        # Of the steps before this one: the first long one may be a camera that had stopped.
        self.usual_step = median(self._steps) if self._steps else 0.0
        if step:
            self._steps = [*self._steps[1 - STEPS :], step]
            self.now += step
        return ""

    def patience(self, max_gap: float) -> float:
        """Seconds for which a face may be unseen: ``max_gap``, or more where images are rare."""
        return max(max_gap, MISSES * self.usual_step)
