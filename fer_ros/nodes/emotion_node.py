# SPDX-License-Identifier: Apache-2.0
"""The node: camera images in, EmotionArray and annotated images out.

A lifecycle node that starts itself unless ``autostart`` is false. The executor's thread only takes
images in; the worker's thread does all the rest, on the newest image.
"""

import sys
import threading
import time
from dataclasses import replace

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn
from rclpy.task import Future
from sensor_msgs.msg import CompressedImage
from std_srvs.srv import Trigger

from fer_ros.images.codec import decode_compressed, decode_image
from fer_ros.nodes.diagnostics import Situation, status
from fer_ros.nodes.health import Health, one_line
from fer_ros.nodes.image_subscription import ImageSubscription
from fer_ros.nodes.latest_frame import LatestWorker
from fer_ros.nodes.loading import LOADED, LoadError, load
from fer_ros.nodes.outputs import Outputs
from fer_ros.nodes.parameters import EMOTION_NODE, declare, read
from fer_ros.nodes.run import run_node
from fer_ros.pipeline import EmotionPipeline


class EmotionNode(LifecycleNode):
    """``emotion_node``; topics, services and parameters are in docs/."""

    def __init__(self, **options):
        super().__init__("emotion_node", **options)
        declare(self, EMOTION_NODE)
        self.exit_status = 0
        """What the process shall end with."""
        self._health = Health()
        self._pipeline: EmotionPipeline | None = None
        self._pipeline_lock = threading.Lock()
        self._loaded: dict[str, object] = {}
        self._images: ImageSubscription | None = None
        self._worker = LatestWorker(self._process)
        self._outputs = Outputs(self)
        self._apply_live()
        self.add_post_set_parameters_callback(lambda _: self._apply_live())
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        period = self.get_parameter("diagnostics_period").value
        # On its own clock: with use_sim_time, the node is to speak also while time stands still.
        self.create_timer(period, self._report, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self.create_service(Trigger, "~/reset", self._reset)
        # A group of its own: while it waits, images are to be taken in.
        alone = MutuallyExclusiveCallbackGroup()
        self.create_service(Trigger, "~/reload", self._reload, callback_group=alone)
        self._give_up = self.create_guard_condition(self.context.try_shutdown)

    def start(self) -> bool:
        """Configure and activate when ``autostart`` says so; False when that failed."""
        if not self.get_parameter("autostart").value:
            return True
        success = TransitionCallbackReturn.SUCCESS
        return self.trigger_configure() == success and self.trigger_activate() == success

    # Lifecycle

    def on_configure(self, state):
        """Load detector and model; on failure stay unconfigured and say why."""
        values = read(self, EMOTION_NODE)
        try:
            detector, classifier = load(values)
        except LoadError as error:
            return self._failed(f"not configured: {error}")
        self._health.failure = ""
        self._pipeline = EmotionPipeline(detector, classifier)
        self._use(values)
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state):
        """Begin to listen and to work."""
        values = read(self, EMOTION_NODE)
        try:
            self._outputs.open(values)
            self._images = ImageSubscription(
                self, values.image_transport, values.image_reliability, self._worker_put
            )
        except RuntimeError as error:  # messages that are not installed, a wrong QoS override
            self._outputs.close()
            return self._failed(f"not activated: {error}")
        self._health.failure = ""
        self._health.heard()
        self._worker.start()
        self.get_logger().info(f"listening to {self._images.topic}")
        return super().on_activate(state)

    def on_deactivate(self, state):
        """Stop listening, end the image in work."""
        self._stop()
        return super().on_deactivate(state)

    def on_cleanup(self, state):
        """Forget detector and model."""
        self._health.failure = self._health.reload_failure = ""
        self._pipeline = None
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state):
        """Stop from any state."""
        self._stop()
        return TransitionCallbackReturn.SUCCESS

    def destroy_node(self):
        """Stop the worker before what it publishes on goes away."""
        self._stop()
        super().destroy_node()

    def _failed(self, reason):
        self._health.failure = reason
        self._health.error(reason)
        self.get_logger().error(reason)
        if self.get_parameter("exit_on_failure").value:
            self.exit_status = 1
            self._give_up.trigger()  # in a moment: first, whoever asked gets his answer
        return TransitionCallbackReturn.FAILURE

    def _stop(self):
        if self._images:
            self._images.close()
            self._images = None
        self._worker.stop()
        self._outputs.close()
        self._forget()

    def _forget(self):
        if self._pipeline:
            self._pipeline.reset()
        self._outputs.reset()

    # Executor's thread

    def _worker_put(self, message, missed):
        self._health.heard(missed)
        self._worker.put((message, time.monotonic()))

    def _use(self, values):
        """Note what was loaded, and say so."""
        self._loaded = {name: getattr(values, name) for name in LOADED}
        self._health.reload_failure = ""
        self._apply_live()
        pipeline = self._pipeline
        self.get_logger().info(
            f"model {pipeline.classifier.identity} by {pipeline.classifier.backend_name}, "
            f"faces by {pipeline.detector.name}"
        )

    def _apply_live(self):
        values = read(self, EMOTION_NODE)
        self._worker.max_rate = values.max_rate
        self._outputs.tune(values)
        self._max_pixels = int(values.max_image_megapixels * 1e6)
        self._max_bytes = int(values.max_compressed_megabytes * 1e6)
        if self._pipeline:
            self._pipeline.tune(values)

    def _reset(self, request, response):
        with self._pipeline_lock:
            self._forget()
        response.success, response.message = True, "faces and smoothing forgotten"
        return response

    async def _reload(self, request, response):
        """Load what the parameters name now, and take it up between two images."""
        values, pipeline = read(self, EMOTION_NODE), self._pipeline
        parts = await self._load_aside(values) if pipeline else LoadError("configure first")
        if pipeline is not self._pipeline:
            parts = LoadError("configured anew meanwhile")
        if isinstance(parts, LoadError):
            self._health.reload_failure = f"not reloaded: {parts}" if self._pipeline else ""
            response.message = f"not reloaded: {parts}"
            self._health.error(response.message)
            self.get_logger().error(response.message)
            return response
        with self._pipeline_lock:
            pipeline.detector, pipeline.classifier = parts
            pipeline.smoother.reset()  # faces keep their ids, but not what another model said
            self._use(values)
        response.success, response.message = True, pipeline.classifier.identity
        return response

    def _load_aside(self, values) -> Future:
        """Load on a thread of its own; gives detector and classifier, or the LoadError."""
        future, executor = Future(), self.executor

        def run():
            try:
                future.set_result(load(values))
            except LoadError as error:
                future.set_result(error)
            if self.context.ok():  # not told to end meanwhile
                executor.wake()

        threading.Thread(target=run, name="reload", daemon=True).start()
        return future

    def _report(self):
        pipeline, images = self._pipeline, self._images
        facts = {}
        if pipeline:
            facts = {
                "model": pipeline.classifier.identity,
                "backend": pipeline.classifier.backend_name,
                "detector": pipeline.detector.name,
            }
            changed = [n for n, v in self._loaded.items() if self.get_parameter(n).value != v]
            if changed:
                facts["changed, to be loaded by ~/reload"] = ", ".join(changed)
        situation = Situation(
            self.get_fully_qualified_name(),
            "active" if images else "inactive" if pipeline else "unconfigured",
        )
        if images:
            facts["topic"] = images.topic
            situation = replace(
                situation,
                topic=images.topic,
                reliabilities=images.reliabilities(),
                wanted=images.policy,
                other_topic=images.other_topic(),
                busy=self._worker.busy(),
                clock_missing=self.get_clock().now().nanoseconds == 0,
            )
        limits = read(self, EMOTION_NODE)
        report = status(situation, self._health, self._worker.counts(), limits, **facts)
        message = DiagnosticArray(status=[report])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)
        self._outputs.status.publish(report)

    # Worker's thread

    def _process(self, item):
        try:
            self._publish_result(*item)
        except Exception as error:  # whatever one image brings, the next one is looked at
            self._complain("image left out", error, self._health.failed)

    def _complain(self, what, error, count):
        reason = one_line(error)
        # Unless told to end in the middle of an image.
        if self.context.ok() and count(reason):
            self.get_logger().error(f"{what}: {reason}")

    def _publish_result(self, message, receipt):
        began = time.perf_counter()
        if isinstance(message, CompressedImage):
            bgr = decode_compressed(message, self._max_pixels, self._max_bytes)
        else:
            bgr = decode_image(message, self._max_pixels)
        decoded = time.perf_counter()
        header = message.header
        stamp = header.stamp.sec + header.stamp.nanosec * 1e-9
        with self._pipeline_lock:  # detector and model are those of one moment
            pipeline = self._pipeline
            faces = pipeline.process(bgr, stamp, receipt)
            model, rotate = pipeline.classifier.identity, pipeline.rotate
            timings, followed = pipeline.timings, pipeline.followed
        self._outputs.publish(header, bgr, model, faces, followed, rotate)
        age = self.get_clock().now().nanoseconds * 1e-9 - stamp
        done = time.perf_counter()
        try:
            self._outputs.draw(header, bgr, faces, rotate)
        except Exception as error:  # the result is out already
            self._complain("drawing left out", error, self._health.error)
        self._health.processed(
            stamp,
            age,
            decode=decoded - began,
            **timings,
            total=done - began,
            annotate=time.perf_counter() - done,
        )


def main(args=None) -> int:
    """Run the node until it is told to stop."""
    return run_node("emotion_node", EmotionNode, args)


if __name__ == "__main__":
    sys.exit(main())
