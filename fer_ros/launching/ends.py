# SPDX-License-Identifier: Apache-2.0
"""What the end of a node means to a launch."""

import re

from launch.actions import EmitEvent, GroupAction, OpaqueFunction, RegisterEventHandler
from launch.event import Event
from launch.event_handler import EventHandler
from launch.event_handlers import OnProcessExit, OnProcessIO, OnProcessStart, OnShutdown
from launch.events import Shutdown
from launch.logging import get_logger

FAULT = re.compile(r"^(?:fer_ros|record|\[(?:ERROR|FATAL)\] \[[\d.]+\] \[[^]]*\]): (.+)", re.M)
"""How our programs say it before they are nodes, and rcl by its usual format."""


class Failed(Event):
    """A node has ended with an error, some time before all have ended; each camera of a launch has
    its own event.
    """


class Ends:
    """What the end of a node means: a line at once, and the exit status of the launch.

    Others may be launched beside these nodes, and live on unless ``ends_all``.
    """

    def __init__(self, respawn, ends_all):
        self._respawn, self._ends_all = respawn, ends_all
        self._told: list[str] = []
        self._running: set[int] = set()
        self._failed = Failed()

    def of(self, node, name, is_needed=True, is_lasting=True):
        """To be launched beside the node, which is one that ``respawn`` is about, or is not."""
        last_fault = ""

        def said(event):
            nonlocal last_fault
            for fault in FAULT.findall(event.text.decode(errors="replace")):
                last_fault = fault

        def ended(event, context):
            if context.is_shutdown:
                return None
            # A signal from outside is no consequence of what was said before.
            reason = f": {last_fault}" if last_fault and event.returncode > 0 else "; see above"
            line = f"{name} ended with exit status {event.returncode}{reason}"
            if is_lasting and self._respawn:
                get_logger("fer_ros").warning(f"{line}; it restarts")
                return None
            if event.returncode:
                self._told.append(line)
                get_logger("fer_ros").error(line)
            if is_needed and self._ends_all:
                return EmitEvent(event=Shutdown(reason=f"{name} ended"))
            return None

        return GroupAction(
            [
                RegisterEventHandler(OnProcessIO(target_action=node, on_stderr=said)),
                RegisterEventHandler(OnProcessExit(target_action=node, on_exit=ended)),
            ]
        )

    def at_shutdown(self):
        """To be launched before the nodes."""

        def started(event, context):
            self._running.add(event.pid)

        def ended(event, context):
            self._running.discard(event.pid)
            return self._fail() if context.is_shutdown else None

        def raise_(context):
            raise RuntimeError(self._told[0])

        is_failed = EventHandler(
            matcher=lambda event: event is self._failed,
            entities=OpaqueFunction(function=raise_),
        )
        return [
            RegisterEventHandler(OnProcessStart(on_start=started)),
            RegisterEventHandler(OnProcessExit(on_exit=ended)),
            RegisterEventHandler(OnShutdown(on_shutdown=lambda event, context: self._fail())),
            RegisterEventHandler(is_failed),
        ]

    def _fail(self):
        """Once the last process has ended, so that the reason is the last line; not raised while
        the shutdown is handled: that would keep it from others.
        """
        return [EmitEvent(event=self._failed)] if self._told and not self._running else None
