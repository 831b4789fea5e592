# SPDX-License-Identifier: Apache-2.0
"""The words of /diagnostics on the node's log, for those who watch the console alone."""

import re
import time
from collections.abc import Callable, Sequence

from fer_ros.nodes.diagnostics import ERROR, Problem

REST = 60.0  # seconds in which the same words are not logged again
_FIGURE = re.compile(r"\d+(?:\.\d+)?")


class Announcements:
    """Logs a problem when it is new, and once that all is well again.

    Figures alone do not make words new. What the node has logged by itself is passed over.

    Args:
        logger: an rclpy logger.
        clock: gives seconds.
    """

    def __init__(self, logger, clock: Callable[[], float] = time.monotonic):
        self._logger, self._clock = logger, clock
        self._logged: dict[tuple[bytes, str], float] = {}
        self._is_ill = False

    def take(self, problems: Sequence[Problem]) -> None:
        """Look at the problems of a report that is about to be published on /diagnostics."""
        new = [p for p in problems if not p.logged]
        if not problems and self._is_ill:
            self._logger.info("recovered: processing images")
            self._is_ill = False
        now = self._clock()
        for problem in new:
            key = problem.level, _FIGURE.sub("#", problem.text)
            if now - self._logged.get(key, float("-inf")) < REST:
                continue
            self._logged[key] = now
            self._is_ill = True
            if problem.level == ERROR:
                self._logger.error(problem.text)
            else:
                self._logger.warning(problem.text)
