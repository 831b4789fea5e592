# SPDX-License-Identifier: Apache-2.0
"""The words of /diagnostics on the node's log, for those who watch the console alone."""

import re
import time
from collections.abc import Callable

from diagnostic_msgs.msg import DiagnosticStatus

REST = 60.0  # seconds in which the same words are not said again
_FIGURE = re.compile(r"\d+(?:\.\d+)?")


class Announcements:
    """Logs a warning or an error when it is new, and once that all is well again.

    Figures alone do not make words new. What keeps a node from becoming active, that node says
    itself, so other states are passed over. ``logger``: an rclpy logger; ``clock``: seconds.
    """

    def __init__(self, logger, clock: Callable[[], float] = time.monotonic):
        self._logger, self._clock = logger, clock
        self._said: dict[tuple[bytes, str], float] = {}
        self._is_ill = False

    def take(self, status: DiagnosticStatus) -> None:
        """Look at what is about to be published on /diagnostics."""
        state = next((v.value for v in status.values if v.key == "state"), "")
        if state != "active":
            self._is_ill = False
            return
        if status.level == DiagnosticStatus.OK:
            if self._is_ill:
                self._logger.info("images are processed as they should be again")
            self._is_ill = False
            return
        now = self._clock()
        key = status.level, _FIGURE.sub("#", status.message)
        if now - self._said.get(key, float("-inf")) < REST:
            return
        self._said[key] = now
        self._is_ill = True
        if status.level == DiagnosticStatus.WARN:
            self._logger.warning(status.message)
        else:
            self._logger.error(status.message)
