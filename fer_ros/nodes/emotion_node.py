# SPDX-License-Identifier: Apache-2.0
"""The node: camera images in, EmotionArray and annotated images out.

A lifecycle node that starts itself unless ``autostart`` is false. The executor's thread only takes
images in; the worker's thread does all the rest, on the newest image.
"""

import sys
import threading
import time
from pathlib import Path

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CompressedImage, Image
from std_srvs.srv import Trigger

from fer_ros.annotate import annotate
from fer_ros.classifier import Classifier
from fer_ros.detectors import DetectorError, create_detector
from fer_ros.image_codec import decode_compressed, decode_image
from fer_ros.model_card import ModelError
from fer_ros.msg import EmotionArray
from fer_ros.nodes.diagnostics import Health, status
from fer_ros.nodes.image_subscription import ImageSubscription
from fer_ros.nodes.latest_frame import LatestWorker
from fer_ros.nodes.markers import FaceMarkers
from fer_ros.nodes.messages import emotion_array, image_message, jpeg_message
from fer_ros.nodes.parameters import EMOTION_NODE, declare, read
from fer_ros.nodes.run import run_node
from fer_ros.pipeline import EmotionPipeline

RECEIVE_LIMIT = Path("/proc/sys/net/core/rmem_max")


class EmotionNode(LifecycleNode):
    """``emotion_node``; topics, services and parameters are in the README."""

    def __init__(self, **options):
        super().__init__("emotion_node", **options)
        declare(self, EMOTION_NODE)
        self.add_post_set_parameters_callback(lambda _: self._apply_live())
        self._health = Health()
        self._pipeline: EmotionPipeline | None = None
        self._pipeline_lock = threading.Lock()
        self._images: ImageSubscription | None = None
        self._worker = LatestWorker(self._process)
        self._socket_checked = False
        self._make_publishers()
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        period = self.get_parameter("diagnostics_period").value
        # On its own clock: with use_sim_time, the node is to speak also while time stands still.
        self.create_timer(period, self._report, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self.create_service(Trigger, "~/reset", self._reset)

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
            detector = create_detector(
                values.detector,
                model_path=values.detector_model,
                score_threshold=values.detection_threshold or None,
            )
            classifier = Classifier(values.model, values.threads)
        except (DetectorError, ModelError) as error:
            return self._failed(f"not configured: {error}")
        self._health.failure = ""
        self._pipeline = EmotionPipeline(detector, classifier)
        self._apply_live()
        self.get_logger().info(
            f"model {classifier.identity} by {classifier.backend_name}, faces by {detector.name}"
        )
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state):
        """Begin to listen and to work."""
        values = read(self, EMOTION_NODE)
        try:
            self._images = ImageSubscription(
                self, values.image_transport, values.image_reliability, self._worker_put
            )
        except RuntimeError as error:  # a QoS override that there is not
            return self._failed(f"not activated: {error}")
        self._health.failure = ""
        self._markers.open(self._images.topic)
        self._worker.start()
        self.get_logger().info(f"listening to {self._images.topic}")
        return super().on_activate(state)

    def on_deactivate(self, state):
        """Stop listening, end the image in work."""
        self._stop()
        return super().on_deactivate(state)

    def on_cleanup(self, state):
        """Forget detector and model."""
        self._health.failure = ""
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
        return TransitionCallbackReturn.FAILURE

    def _stop(self):
        if self._images:
            self._images.close()
            self._markers.close()
            self._images = None
        self._worker.stop()
        if self._pipeline:
            self._pipeline.reset()

    # Executor's thread

    def _make_publishers(self):
        # Made once, not at each configure: rclpy never lets go of a lifecycle publisher.
        def publisher(kind, topic, depth) -> Publisher:
            return self.create_lifecycle_publisher(
                kind,
                topic,
                QoSProfile(depth=depth),
                qos_overriding_options=QoSOverridingOptions.with_default_policies(),
            )

        annotated = self.resolve_topic_name("image_annotated")
        self._emotions = publisher(EmotionArray, "emotions", 10)
        self._annotated = publisher(Image, annotated, 1)
        self._annotated_jpeg = publisher(CompressedImage, f"{annotated}/compressed", 1)
        self._markers = FaceMarkers(self)

    def _worker_put(self, message):
        if not self._socket_checked:
            self._check_socket(len(message.data))
        self._worker.put((message, time.monotonic()))

    def _check_socket(self, size):
        self._socket_checked = True
        try:
            limit = int(RECEIVE_LIMIT.read_text())
        except (OSError, ValueError):
            return
        if size > limit:
            self.get_logger().warning(
                f"images of {size} bytes exceed this machine's socket buffers ({limit} bytes), so "
                "raw images may be lost: sudo sysctl -w net.core.rmem_max=4194304 "
                "net.core.wmem_max=4194304, or use image_transport:=compressed"
            )

    def _apply_live(self):
        values = read(self, EMOTION_NODE)
        self._worker.max_rate = values.max_rate
        self._jpeg_quality = values.jpeg_quality
        self._face_width = values.face_width
        pipeline = self._pipeline
        if pipeline is None:
            return
        pipeline.detector.min_face_size = values.min_face_size
        pipeline.max_faces = values.max_faces
        pipeline.max_gap = values.max_gap
        pipeline.rotate = values.rotate
        pipeline.smoother.time_constant = values.smoothing_time_constant
        pipeline.smoother.hysteresis = values.hysteresis
        pipeline.smoother.uncertain_below = (
            values.uncertain_threshold or pipeline.classifier.card.uncertain_below
        )

    def _reset(self, request, response):
        with self._pipeline_lock:
            if self._pipeline:
                self._pipeline.reset()
        response.success, response.message = True, "faces and smoothing forgotten"
        return response

    def _report(self):
        pipeline = self._pipeline
        facts, model = {}, ""
        if pipeline:
            model = pipeline.classifier.identity
            facts = {
                "model": model,
                "backend": pipeline.classifier.backend_name,
                "detector": pipeline.detector.name,
            }
        if self._images:
            facts["topic"] = self._images.topic
        state = "active" if self._images else "inactive" if pipeline else "unconfigured"
        report = status(
            self.get_fully_qualified_name().lstrip("/"),
            model,
            state,
            self._health,
            self._worker.counts(),
            **facts,
        )
        message = DiagnosticArray(status=[report])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)

    # Worker's thread

    def _process(self, item):
        try:
            self._publish_result(*item)
        except Exception as error:  # whatever one image brings, the next one is looked at
            if not self.context.ok():  # told to end in the middle of an image
                return
            reason = f"{type(error).__name__}: {error}"
            if self._health.error(reason):
                self.get_logger().error(f"image left out: {reason}")

    def _publish_result(self, message, receipt):
        began = time.perf_counter()
        decode = decode_compressed if isinstance(message, CompressedImage) else decode_image
        bgr = decode(message)
        decoded = time.perf_counter()
        header = message.header
        stamp = header.stamp.sec + header.stamp.nanosec * 1e-9
        pipeline = self._pipeline
        with self._pipeline_lock:
            faces = pipeline.process(bgr, stamp, receipt)
        model = pipeline.classifier.identity
        self._emotions.publish(emotion_array(header, bgr.shape, model, faces))
        age = self.get_clock().now().nanoseconds * 1e-9 - stamp if stamp else 0.0
        done = time.perf_counter()
        self._publish_annotated(header, bgr, faces, pipeline.rotate)
        self._markers.publish(header, faces, self._face_width)
        self._health.processed(
            age=age,
            decode=decoded - began,
            **pipeline.timings,
            total=done - began,
            annotate=time.perf_counter() - done,
        )

    def _publish_annotated(self, header, bgr, faces, rotate):
        raw = self._annotated.get_subscription_count() > 0
        jpeg = self._annotated_jpeg.get_subscription_count() > 0
        if not (raw or jpeg):
            return
        image = annotate(bgr, faces, rotate)
        if raw:
            self._annotated.publish(image_message(header, image))
        if jpeg:
            self._annotated_jpeg.publish(jpeg_message(header, image, self._jpeg_quality))


def main(args=None) -> int:
    """Run the node until it is told to stop."""
    return run_node(EmotionNode, args)


if __name__ == "__main__":
    sys.exit(main())
