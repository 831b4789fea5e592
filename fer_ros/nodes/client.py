# SPDX-License-Identifier: Apache-2.0
"""What emotion_node says, for a node of your own: the newest faces, engagement, events."""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TypeVar

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node

from fer_ros.msg import (
    EmotionArray,
    EmotionEvent,
    EngagementArray,
    FaceEmotion,
    FaceEngagement,
)
from fer_ros.stamp_clock import seconds_of

LOOK = 0.5  # seconds of a wait after which it is seen that the context has been shut down
Message = TypeVar("Message")


class EmotionClient:
    """Subscribes to ``emotions``, ``engagement`` and ``emotion_events``, in the node's namespace.

    Example::

        client = EmotionClient(node, on_event=lambda event: print(event.to_label))
        if client.wait_for_emotions(5.0):
            print([face.label for face in client.faces])

    Args:
        node: subscribes; remap the topics as those of any node.
        on_emotions: called with each EmotionArray, after the client has noted it.
        on_engagement: the same for EngagementArray.
        on_event: the same for EmotionEvent.
        max_age: seconds without results after which nobody counts as there.
    """

    def __init__(
        self,
        node: Node,
        *,
        on_emotions: Callable[[EmotionArray], None] | None = None,
        on_engagement: Callable[[EngagementArray], None] | None = None,
        on_event: Callable[[EmotionEvent], None] | None = None,
        max_age: float = 2.0,
    ):
        self.max_age = max_age
        self.event_counts: Counter[str] = Counter()
        """How often faces have changed to each expression; without what is only relative."""
        self._node = node
        self._callbacks = on_emotions, on_engagement, on_event
        self._waiting: list[tuple[type, SimpleQueue]] = []
        self._emotions: EmotionArray | None = None
        self._engagement: EngagementArray | None = None
        self._since: dict[int, tuple[str, float]] = {}
        self._received = float("-inf")
        self._subscriptions = [
            node.create_subscription(EmotionArray, "emotions", self._take_emotions, 10),
            node.create_subscription(EngagementArray, "engagement", self._take_engagement, 10),
            node.create_subscription(EmotionEvent, "emotion_events", self._take_event, 10),
        ]

    def close(self) -> None:
        """Unsubscribe."""
        while self._subscriptions:
            self._node.destroy_subscription(self._subscriptions.pop())

    @property
    def emotions(self) -> EmotionArray | None:
        """The newest result; None without one of the last ``max_age`` seconds."""
        is_fresh = time.monotonic() - self._received < self.max_age
        return self._emotions if is_fresh else None

    @property
    def faces(self) -> list[FaceEmotion]:
        """Those of the newest result, the largest first; none once results stop coming."""
        return list(self.emotions.faces) if self.emotions else []

    @property
    def engaged(self) -> list[FaceEngagement]:
        """Who wants the robot's attention; nobody once results stop coming."""
        faces = self._engagement.faces if self._engagement and self.emotions else []
        return [face for face in faces if face.engagement == FaceEmotion.ENGAGED]

    def shown_for(self, face: FaceEmotion) -> float:
        """Seconds for which one of ``faces`` has shown its expression, by the images' stamps."""
        label, since = self._since.get(face.track_id, ("", 0.0))
        if not self._emotions or label != face.label:
            return 0.0
        return seconds_of(self._emotions.header.stamp) - since

    def wait_for_emotions(
        self, timeout: float, condition: Callable[[EmotionArray], bool] = lambda _: True
    ) -> EmotionArray | None:
        """The next result for which ``condition`` is true; None when none comes for ``timeout``
        seconds, or the context is shut down. Spins the node, unless an executor does on another
        thread; not for callbacks.
        """
        return self._wait(EmotionArray, timeout, condition)

    def wait_for_event(self, timeout: float, to_label: str = "") -> EmotionEvent | None:
        """The next event, or the next change to an expression; otherwise as wait_for_emotions."""
        return self._wait(EmotionEvent, timeout, lambda e: to_label in ("", e.to_label))

    def _wait(
        self, kind: type[Message], timeout: float, condition: Callable[[Message], bool]
    ) -> Message | None:
        end = time.monotonic() + timeout
        arrived: SimpleQueue = SimpleQueue()  # of all, as several may come between two looks
        self._waiting.append((kind, arrived))
        try:
            while self._node.context.ok() and (left := end - time.monotonic()) > 0:
                with suppress(Empty, ExternalShutdownException):
                    message = self._next(arrived, min(left, LOOK))
                    if condition(message):
                        return message
        finally:
            self._waiting.remove((kind, arrived))
        return None

    def _next(self, arrived: SimpleQueue, timeout: float):
        executor = self._node.executor
        if executor is not None and self._node in executor.get_nodes():
            return arrived.get(timeout=timeout)
        with SingleThreadedExecutor(context=self._node.context) as own:
            rclpy.spin_once(self._node, executor=own, timeout_sec=timeout)
        return arrived.get_nowait()

    def _take_emotions(self, message: EmotionArray) -> None:
        now = seconds_of(message.header.stamp)
        went_back = self._emotions and now < seconds_of(self._emotions.header.stamp)
        known = {} if went_back else self._since
        new = {face.track_id: (face.label, now) for face in message.faces}
        same = {i: known[i] for i, (label, _) in new.items() if i in known and known[i][0] == label}
        self._since = new | same
        self._emotions, self._received = message, time.monotonic()
        self._pass_on(message, 0)

    def _take_engagement(self, message: EngagementArray) -> None:
        self._engagement = message
        self._pass_on(message, 1)

    def _take_event(self, message: EmotionEvent) -> None:
        if not message.relative:
            self.event_counts[message.to_label] += 1
        self._pass_on(message, 2)

    def _pass_on(self, message, number):
        for kind, arrived in tuple(self._waiting):
            if isinstance(message, kind):
                arrived.put(message)
        if callback := self._callbacks[number]:
            callback(message)
