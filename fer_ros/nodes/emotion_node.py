# SPDX-License-Identifier: Apache-2.0
"""The node: camera images in, EmotionArray and annotated images out.

A lifecycle node that starts itself unless ``autostart`` is false. The executor's thread only takes
images in and answers; the worker's thread does all the rest, on the newest image. What changes the
pipeline is a command that the worker takes between two images, so nothing waits for an image.
"""

import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn
from sensor_msgs.msg import CompressedImage
from std_srvs.srv import Trigger

from fer_ros.images.codec import decode_compressed, decode_image
from fer_ros.nodes import dds
from fer_ros.nodes.announcements import Announcements
from fer_ros.nodes.diagnostics import Situation, status
from fer_ros.nodes.health import Health, one_line
from fer_ros.nodes.image_subscription import ImageSubscription
from fer_ros.nodes.latest_frame import LatestWorker
from fer_ros.nodes.loading import LOADED, LoadError, load, load_aside
from fer_ros.nodes.outputs import Outputs
from fer_ros.nodes.parameters import EMOTION_NODE, declare, read
from fer_ros.nodes.run import run_node
from fer_ros.nodes.status_marker import StatusMarker
from fer_ros.pipeline import EmotionPipeline

HANGS = 0.5
"""Seconds that the end waits for the image in work before it gives that up."""
SILENT = 1.0
"""Seconds without an image from which it is worth while to look for the reason."""
PUBLISHING = 0.1
"""Seconds that a reset waits for a result that is just going out."""


class EmotionNode(LifecycleNode):
    """``emotion_node``; topics, services and parameters are in docs/."""

    def __init__(self, **options):
        super().__init__("emotion_node", **options)
        declare(self, EMOTION_NODE)
        self.exit_status = 0
        """What the process shall end with."""
        self._health = Health()
        self._pipeline: EmotionPipeline | None = None
        self._loaded: dict[str, object] = {}
        self._images: ImageSubscription | None = None
        self._worker = LatestWorker(self._look, self._left_out)
        self._outputs = Outputs(self, self._complain)
        self._era = 0
        """Grows when all is forgotten: what an image in work then says is of the past."""
        self._going_out = threading.Lock()
        self._apply_live()
        self.add_post_set_parameters_callback(lambda _: self._apply_live())
        self._status = StatusMarker(self)
        self._announcements = Announcements(self.get_logger())
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
        with self._transition("configured") as outcome:
            self._load()
        return outcome()

    def on_activate(self, state):
        """Begin to listen and to work; on failure stay inactive, with nothing open, and say why."""
        with self._transition("activated") as outcome:
            values = read(self, EMOTION_NODE)
            if self._pipeline is None:  # the last one hung, and was given up
                self._load()
            self._outputs.open(values)
            self._images = ImageSubscription(
                self, values.image_transport, values.image_reliability, self._take_in
            )
            super().on_activate(state)
            self._health.heard()
            self._worker.start()
            self.get_logger().info(f"listening to {self._images.topic}")
        return outcome()

    def on_deactivate(self, state):
        """Stop listening, end the image in work."""
        self._stop()
        return super().on_deactivate(state)

    def on_cleanup(self, state):
        """Forget detector and model."""
        self._clear()
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state):
        """Stop from any state."""
        self._stop()
        return TransitionCallbackReturn.SUCCESS

    def on_error(self, state):
        """After a transition that broke: stop, and be unconfigured, to be mended."""
        self._stop()
        self._clear()
        return TransitionCallbackReturn.SUCCESS

    def destroy_node(self):
        """Stop the worker before what it publishes on goes away."""
        self._stop()
        super().destroy_node()

    @contextmanager
    def _transition(self, aim):
        """What is raised within becomes one line, and the transition's failure."""
        outcome = [TransitionCallbackReturn.SUCCESS]
        try:
            yield lambda: outcome[0]
            self._health.failure = ""
        except Exception as error:  # rcl has kinds of its own for topics and QoS that it refuses
            if aim == "activated":
                self._stop()
            known = isinstance(error, LoadError) or type(error) is RuntimeError
            reason = f"not {aim}: {error if known else one_line(error)}"
            self._health.failure = reason
            self._health.error(reason)
            self.get_logger().error(reason)
            if self.get_parameter("exit_on_failure").value:
                self.exit_status = 1
                self._give_up.trigger()  # in a moment: first, whoever asked gets his answer
            outcome[0] = TransitionCallbackReturn.FAILURE

    def _load(self):
        values = read(self, EMOTION_NODE)
        self._pipeline = load(values)
        self._note_loaded(values)

    def _clear(self):
        self._health.failure = self._health.reload_failure = ""
        self._pipeline = None

    def _stop(self):
        if self._images:
            self._images.close()
            self._images = None
        self._era += 1
        ended = self._worker.stop(HANGS)
        self._outputs.close()
        if not ended:
            self._pipeline = None  # its thread may still be in there
            self._health.error("an image hung and was given up")
        elif self._pipeline:
            self._pipeline.reset()
        self._outputs.reset()

    # Executor's thread

    def _take_in(self, message, missed):
        self._health.heard(missed)
        self._worker.put((message, time.monotonic()))

    def _note_loaded(self, values):
        """Note what was loaded, and say so."""
        self._loaded = {name: getattr(values, name) for name in LOADED}
        self._health.reload_failure = ""
        pipeline = self._pipeline
        assert pipeline  # loaded just now
        self.get_logger().info(
            f"model {pipeline.classifier.identity} by {pipeline.classifier.backend_name}, "
            f"faces by {pipeline.detector.name}"
        )

    def _apply_live(self):
        values = read(self, EMOTION_NODE)
        self._worker.max_rate = values.max_rate
        self._worker.call("tune", lambda: self._tune(values))

    def _reset(self, request, response):
        """Forget all faces, from this call on: what the image in work says is thrown away."""
        self._era += 1
        held = self._going_out.acquire(timeout=PUBLISHING)
        try:
            self._outputs.reset()
        finally:
            if held:
                self._going_out.release()
        if self._pipeline:
            self._worker.call("reset", self._pipeline.reset)
        response.success, response.message = True, "faces and smoothing forgotten"
        return response

    async def _reload(self, request, response):
        """Load what the parameters name now, and take it up between two images."""
        values, pipeline = read(self, EMOTION_NODE), self._pipeline
        new = await load_aside(self, values) if pipeline else LoadError("configure first")
        if pipeline is not self._pipeline:
            new = LoadError("configured anew meanwhile")
        if isinstance(new, LoadError):
            self._health.reload_failure = f"not reloaded: {new}" if self._pipeline else ""
            response.message = f"not reloaded: {new}"
            self._health.error(response.message)
            self.get_logger().error(response.message)
            return response
        assert pipeline  # else there is nothing new

        def take_up():
            pipeline.replace(new)
            pipeline.tune(values)
            self._outputs.reset()  # what the old model said is no history of the new one's
            self._note_loaded(values)

        self._worker.call("reload", take_up)
        response.success, response.message = True, new.classifier.identity
        return response

    def _report(self):
        pipeline, images = self._pipeline, self._images
        facts: dict[str, Any] = {}
        if pipeline:
            facts = {
                "model": pipeline.classifier.identity,
                "backend": pipeline.classifier.backend_name,
                "detector": pipeline.detector.name,
                "proposals refused": pipeline.finder.refused,
            }
            changed = [n for n, v in self._loaded.items() if self.get_parameter(n).value != v]
            if changed:
                facts["changed, to be loaded by ~/reload"] = ", ".join(changed)
        # rclpy has no other way to ask.
        situation = Situation(self.get_fully_qualified_name(), self._state_machine.current_state[1])
        if images:
            silence = self._health.silence()
            images.check()
            facts["topic"] = images.topic
            situation = replace(
                situation,
                topic=images.topic,
                reliabilities=images.reliabilities(),
                wanted=images.policy,
                other_topic=images.other_topic(),
                subscription_failure=images.failure,
                no_way="" if images.has_heard or silence < SILENT else dds.silence(),
                busy=self._worker.busy(),
                clock_missing=self.get_clock().now().nanoseconds == 0,
            )
        limits = read(self, EMOTION_NODE)
        counts, faults = self._worker.counts(), self._outputs.problems()
        report, problems = status(situation, self._health, counts, limits, faults, **facts)
        message = DiagnosticArray(status=[report])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)
        self._status.publish(report)
        self._announcements.take(problems)

    # Worker's thread

    def _tune(self, values):
        """Take up the parameters that may change between two images."""
        self._max_pixels = int(values.max_image_megapixels * 1e6)
        self._max_bytes = int(values.max_compressed_megabytes * 1e6)
        self._outputs.tune(values)
        if self._pipeline:
            self._pipeline.tune(values)

    def _left_out(self, error):
        self._tell("image left out", error, self._health.failed)

    def _complain(self, output, error):
        self._tell(f"{output} left out", error, self._health.error)

    def _tell(self, what, error, count):
        reason = one_line(error)
        # Unless told to end in the middle of an image.
        if self.context.ok() and count(reason):
            self.get_logger().error(f"{what}: {reason}")

    def _look(self, item):
        message, receipt = item
        era, pipeline = self._era, self._pipeline
        assert pipeline  # while the worker works
        began = time.perf_counter()
        if isinstance(message, CompressedImage):
            bgr = decode_compressed(message, self._max_pixels, self._max_bytes)
        else:
            bgr = decode_image(message, self._max_pixels)
        decoded = time.perf_counter()
        header = message.header
        stamp = header.stamp.sec + header.stamp.nanosec * 1e-9
        ranging = self._outputs.ranging(header, bgr.shape)
        result = pipeline.process(bgr, stamp, receipt, ranging)
        with self._going_out:
            if era != self._era:
                return  # forgotten meanwhile
            done = time.perf_counter()
            emotions, *others = self._outputs.publish(header, bgr, result).values()
        self._status.frame_id = header.frame_id
        age = self.get_clock().now().nanoseconds * 1e-9 - stamp
        self._health.processed(
            stamp,
            age - sum(others),
            result.restart,
            stages={
                "decode": decoded - began,
                **result.timings,
                "total": done + emotions - began,
                "others": sum(others),
            },
        )


def main(args=None) -> int:
    """Run the node until it is told to stop."""
    return run_node("emotion_node", EmotionNode, args)


if __name__ == "__main__":
    sys.exit(main())
