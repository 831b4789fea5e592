# SPDX-License-Identifier: Apache-2.0
"""``context`` and ``~/context``: one sentence on who is there, for a language model."""

import math
import threading
import time

from std_msgs.msg import String
from std_srvs.srv import Trigger

from fer_ros.interaction.description import Narrator
from fer_ros.nodes.publishers import publisher
from fer_ros.nodes.sinks.base import Sink

STALE = 2.0  # seconds without an image after which nothing is said of the present


class ContextSink(Sink):
    """Publishes each ``context_period`` of the images' time, while someone listens."""

    def __init__(self, node, ids):
        super().__init__(node, ids)
        self._narrator = Narrator()
        self._lock = threading.Lock()  # images come on the worker's thread, questions do not
        self._last_published = self._seen = -math.inf
        self._publisher = publisher(node, "context")
        node.create_service(Trigger, "~/context", self._answer)

    def publish(self, header, result):
        with self._lock:
            self._narrator.update(result.faces, result.followed, result.now)
            self._seen = time.monotonic()
        if not self._publisher.get_subscription_count():
            return
        if result.now - self._last_published >= self.values.context_period:
            self._last_published = result.now
            self._publisher.publish(String(data=self._sentence()))

    def reset(self):
        with self._lock:
            self._narrator.reset()
            self._last_published = self._seen = -math.inf

    def close(self):
        self.reset()

    def _sentence(self):
        with self._lock:
            return self._narrator.sentence(self.values.language)

    def _answer(self, request, response):
        silence = time.monotonic() - self._seen
        response.success = silence < STALE
        ago = "yet" if math.isinf(silence) else f"for {silence:.0f} s"
        response.message = self._sentence() if response.success else f"no image {ago}"
        return response
