# SPDX-License-Identifier: Apache-2.0
"""The node: what the camera sees and what emotion_node says of it, live in a browser.

Three threads: the executor's takes messages in and finds the pairs, a worker makes of a pair what
is sent, the server's loop sends it to each viewer as that takes it. Between them, the newest wins.
While nobody looks, neither images nor results are subscribed to.
"""

if __name__ == "__main__":  # before the imports below: they take a second, and signals are obeyed
    from fer_ros.start import web_view

    raise SystemExit(web_view())

import socket
import statistics
import time
from collections import deque
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from fer_ros.images.codec import decode_image, encode_jpeg
from fer_ros.msg import EmotionArray, EmotionEvent
from fer_ros.nodes.declaration import declare, read
from fer_ros.nodes.run import run_node
from fer_ros.parameters import WEB_VIEW
from fer_ros.parameters.options import WebViewOptions
from fer_ros.runtime.health import Health, one_line
from fer_ros.runtime.mailbox import MailboxWorker
from fer_ros.stamp_clock import seconds_of
from fer_ros.web import content
from fer_ros.web.camera_images import CameraImages
from fer_ros.web.pairing import Pairing
from fer_ros.web.pictures import as_it_is
from fer_ros.web.remote import RemoteParameters
from fer_ros.web.serving import create_server

PERIOD = 1.0  # seconds between two looks at how things stand
LINGER = 3.0  # seconds that is listened on after the last viewer went: a page is loaded anew
ALONE = 1.0  # seconds without a pair after which results are shown without their images
EVENTS = 20  # sent to a new viewer
MAX_REQUESTS = 32  # that wait
PAUSE = 0.2  # seconds between two changes of parameters, however many are asked for
SILENT = 5.0  # seconds after which what /diagnostics said is of the past


class WebView(Node):
    """``web_view``; topics and parameters are in docs/.

    Args:
        **options: rclpy's for a node.

    Raises:
        RuntimeError: aiohttp is not installed, the address is taken, or the token cannot be used.
    """

    _server: Any = None

    def __init__(self, **options):
        super().__init__("web_view", **options)
        declare(self, WEB_VIEW)
        self._values = values = read(self, WEB_VIEW, WebViewOptions)
        self._target = self._name_of(values.node)
        self._pairing: Pairing = Pairing()
        self._worker = MailboxWorker(self._make, self._failed)
        self._health = Health()
        self._images = CameraImages(self, self._guarded(self._take_image), self._pairing.clear)
        self._results = None
        self._last_viewed = self._last_pair = float("-inf")
        self._image_times: deque[float] = deque(maxlen=1000)
        self._result_times: deque[float] = deque(maxlen=1000)
        self._ages: deque[float] = deque(maxlen=30)
        self._events: deque[dict] = deque(maxlen=EVENTS)
        self._report, self._reported = None, float("-inf")
        self._forgotten: str | None = None
        self._viewers = 0
        self._requests: dict[str, object] = {}
        self._server, self.address, warning = create_server(values, self._count, self._request)
        if warning:
            self.get_logger().warning(warning)
        self._remote = RemoteParameters(self, self._target, self._answered, self._guarded)
        self._apply_live()
        self.add_post_set_parameters_callback(lambda _: self._apply_live())
        events, health = self._guarded(self._take_event), self._guarded(self._take_diagnostics)
        self.create_subscription(EmotionEvent, "emotion_events", events, 10)
        self.create_subscription(DiagnosticArray, "/diagnostics", health, 10)
        self._changed = self.create_guard_condition(self._guarded(self._tick))
        # On its own clock: with use_sim_time, the page is to speak also while time stands still.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(PERIOD, self._guarded(self._tick), clock=steady)
        if values.allow_changes:
            self.create_timer(PAUSE, self._guarded(self._change_next), clock=steady)

    def start(self) -> None:
        """Begin to serve."""
        self._worker.start()
        self._server.put_note("hello", content.hello(self._values.allow_changes))
        self._server.put_note("events", {"events": []})
        self._put_status()
        self._server.start()
        self.get_logger().info(f"{self._target} is shown at {self.address}")

    def destroy_node(self):
        """Stop the server before what it asks goes away."""
        if self._server:  # from Kilted on, rclpy destroys nodes that failed in their making too
            self._server.stop()
            self._worker.stop(1.0)
        super().destroy_node()

    def _name_of(self, node):
        """The full name of a node, from here."""
        if node.startswith("/"):
            return node
        return f"{self.get_namespace().rstrip('/')}/{node}"

    # Server's thread

    def _count(self, viewers):
        self._viewers = viewers
        self._wake()

    def _request(self, name, value):
        if self._values.allow_changes and len(self._requests) < MAX_REQUESTS:
            self._requests[name] = value

    def _wake(self):
        if self.context.ok():
            self._changed.trigger()

    # Executor's thread

    def _guarded(self, callback):
        """The callback; what a message or an answer makes it raise is told once, and left out."""

        def call(*arguments):
            try:
                callback(*arguments)
            except Exception as error:  # it comes from the bus or from a page: it is data
                self._leave_out("what came", error)

        return call

    def _apply_live(self):
        self._values = read(self, WEB_VIEW, WebViewOptions)
        self._worker.max_rate = max(0.0, self._values.max_rate)

    def _follow_viewers(self):
        """Listen while somebody looks; whether somebody does."""
        now = time.monotonic()
        if self._viewers:
            self._last_viewed = now
        looking = now - self._last_viewed < LINGER
        if looking and self._results is None:
            self._results = self.create_subscription(
                EmotionArray, "emotions", self._guarded(self._take_result), 10
            )
        elif not looking and self._results is not None:
            self.destroy_subscription(self._results)
            self._results = None
        self._images.follow(looking, self._values.image_transport)
        return looking

    def _change_next(self):
        if self._requests:
            self._remote.set(*self._requests.popitem())

    def _tick(self):
        if self._follow_viewers():
            self._remote.refresh()
            self._put_status()

    def _put_status(self):
        now = time.monotonic()
        known = now - self._reported < SILENT
        self._server.put_note(
            "status",
            {
                "node": self._target,
                "topic": self._images.topic,
                "images": _rate(self._image_times, now),
                "results": _rate(self._result_times, now),
                "age": statistics.median(self._ages) if self._ages else None,
                "viewers": self._viewers,
                "max_viewers": self._values.max_viewers,
                "rotate": self._rotation(),
                "values": self._remote.values if self._values.allow_changes else {},
                "health": self._report if known else None,
                "port": self._server.port,
                "machine": socket.gethostname(),
            },
        )

    def _rotation(self):
        if self._values.rotate >= 0:
            return self._values.rotate
        return self._remote.values.get("rotate") or 0

    def _take_image(self, message, _):
        self._image_times.append(time.monotonic())
        pair = self._pairing.put_image(_key(message), message, len(message.data))
        if pair:
            self._show(*pair)

    def _take_result(self, message):
        now = time.monotonic()
        self._result_times.append(now)
        stamp = seconds_of(message.header.stamp)
        age = self.get_clock().now().nanoseconds * 1e-9 - stamp if stamp else None
        if age is not None:
            self._ages.append(round(age, 4))
        pair = self._pairing.put_result(_key(message), (message, age))
        if pair:
            self._show(*pair)
        elif now - self._last_pair > ALONE:
            self._worker.put((None, message, age))

    def _show(self, image, result):
        self._last_pair = time.monotonic()
        self._worker.put((image, *result))

    def _take_event(self, message):
        self._events.append(content.event(message))
        self._server.put_note("events", {"events": list(self._events)})

    def _take_diagnostics(self, message):
        for status in message.status:
            if status.name == self._target.lstrip("/"):
                self._report, self._reported = content.health(status), time.monotonic()
                self._forget_events_with(self._report["values"].get("forgotten", ""))

    def _forget_events_with(self, forgotten):
        """What emotion_node has forgotten, or took with it, is not told to who comes later."""
        if forgotten != self._forgotten and self._forgotten is not None:
            self._events.clear()
            self._server.put_note("events", {"events": []})
        self._forgotten = forgotten

    def _answered(self, name, value, successful, reason):
        answer = {"name": name, "value": value, "successful": successful, "reason": reason}
        self._server.put_note("answer", answer)

    # Worker's thread

    def _make(self, item):
        image, message, age = item
        if not self._server.wants_frame():
            return  # nobody has shown the last one yet
        values = self._values
        picture = b""
        if image is not None and hasattr(image, "format"):
            picture = as_it_is(image, values.max_pixels, values.max_bytes)
        elif image is not None:
            bgr = decode_image(image, values.max_pixels, self._images.bit_depth)
            picture = encode_jpeg(bgr, values.jpeg_quality).tobytes()
        head = content.result(message) | {"age": None if age is None else round(age, 4)}
        self._server.put_frame(content.frame(head, picture))

    def _failed(self, error):
        self._leave_out("image", error)

    # Any thread

    def _leave_out(self, what, error):
        reason = one_line(error)
        if self.context.ok() and self._health.failed(reason):
            self.get_logger().error(f"{what} left out: {reason}")


def _key(message):
    stamp = message.header.stamp
    return stamp.sec, stamp.nanosec


def _rate(times, now):
    """How many a second came in the last two."""
    return round(sum(now - t < 2.0 for t in times) / 2.0, 1)


def main(args=None) -> int:
    """Run the node until it is told to stop."""
    return run_node("web_view", WebView, args)
