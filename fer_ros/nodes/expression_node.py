# SPDX-License-Identifier: Apache-2.0
"""The expressions of faces that another node finds and follows, as REP 155 (ROS4HRI) has them.

Listens to ``humans/faces/tracked`` and the ``cropped`` of at most ``max_faces``; adds each face's
``expression``, and nothing else. A lifecycle node that starts itself unless ``autostart`` is false.
A classifier takes a millisecond a face, so there is no worker: a face's next picture replaces the
one that waits.
"""

import sys
import time
from contextlib import contextmanager
from types import SimpleNamespace

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

from fer_ros.emotions.classes import UNCERTAIN, label_of, valence_of
from fer_ros.emotions.classifier import Classifier
from fer_ros.emotions.model_card import ModelError
from fer_ros.emotions.smoothing import Smoother
from fer_ros.faces.crop import crop_face
from fer_ros.faces.detectors import Detection, Framing
from fer_ros.images.codec import decode_image
from fer_ros.nodes.diagnostics import WARN, Problem, Situation, status
from fer_ros.nodes.health import Health, one_line
from fer_ros.nodes.optional import messages
from fer_ros.nodes.parameters import EXPRESSION_NODE, declare, read
from fer_ros.nodes.run import run_node
from fer_ros.nodes.sinks.humans import expression_message
from fer_ros.nodes.topics import EXPRESSION_NODE as TOPICS
from fer_ros.nodes.topics import FACE, TRACKED, publisher
from fer_ros.result import Box
from fer_ros.stamp_clock import StampClock

WHOLE = 1.0
"""Side of the square given to the model over that of the picture. Which detector cut the picture
out is not known; with those of fer_ros, 1.0 agrees with emotion_node best: on 98 to 100 % of the
sample's faces.
"""
NO_LIMITS = dict.fromkeys(
    ("no_image_warn", "no_image_error", "missed_warn", "dropped_warn", "max_rate"), -1
)
"""Of emotion_node's, those that say nothing of a node to which pictures come only with faces."""


class ExpressionNode(LifecycleNode):
    """``expression_node``; topics and parameters are in docs/. Raises RuntimeError where hri_msgs
    is not installed.
    """

    def __init__(self, **options):
        super().__init__("expression_node", **options)
        self._hri = messages("hri_msgs", "expression_node")
        declare(self, EXPRESSION_NODE)
        self.exit_status = 0
        """What the process shall end with."""
        self._classifier: Classifier | None = None
        self._smoother = Smoother()
        self._timeline = StampClock()
        self._health = Health()
        self._tracked = None
        self._faces: dict[str, tuple] = {}
        self._followed = self._received = self._processed = 0
        self._stamp = 0.0
        self._apply_live()
        self.add_post_set_parameters_callback(lambda _: self._apply_live())
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        period = self.get_parameter("diagnostics_period").value
        self.create_timer(period, self._report, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._give_up = self.create_guard_condition(self.context.try_shutdown)

    def start(self) -> bool:
        """Configure and activate when ``autostart`` says so; False when that failed."""
        if not self.get_parameter("autostart").value:
            return True
        success = TransitionCallbackReturn.SUCCESS
        return self.trigger_configure() == success and self.trigger_activate() == success

    # Lifecycle

    def on_configure(self, state):
        """Load the model; on failure stay unconfigured and say why."""
        with self._transition("configured") as outcome:
            values = read(self, EXPRESSION_NODE)
            self._classifier = Classifier(values.model, values.threads)
            self._apply_live()
        return outcome()

    def on_activate(self, state):
        """Begin to listen; on failure stay inactive, with nothing open, and say why."""
        with self._transition("activated") as outcome:
            self._tracked = self.create_subscription(
                self._hri.IdsList, TRACKED, self._follow, QoSProfile(depth=10)
            )
            super().on_activate(state)
            assert self._classifier  # configured before it is activated
            topic, model = self._tracked.topic_name, self._classifier.identity
            self.get_logger().info(f"listening to {topic}, model {model}")
        return outcome()

    def on_deactivate(self, state):
        """Stop listening, let go of all faces."""
        self._stop()
        return super().on_deactivate(state)

    def on_cleanup(self, state):
        """Forget the model."""
        self._classifier, self._health.failure = None, ""
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state):
        """Stop from any state."""
        self._stop()
        return TransitionCallbackReturn.SUCCESS

    def on_error(self, state):
        """After a transition that broke: stop, and be unconfigured, to be mended."""
        self._stop()
        return self.on_cleanup(state)

    @contextmanager
    def _transition(self, aim):
        """What is raised within becomes one line, and the transition's failure."""
        outcome = [TransitionCallbackReturn.SUCCESS]
        try:
            yield lambda: outcome[0]
            self._health.failure = ""
        except Exception as error:  # rcl has kinds of its own for topics and QoS that it refuses
            self._stop()
            reason = f"not {aim}: {error if isinstance(error, ModelError) else one_line(error)}"
            self._health.failure = reason
            self._health.error(reason)
            self.get_logger().error(reason)
            if self.get_parameter("exit_on_failure").value:
                self.exit_status = 1
                self._give_up.trigger()  # in a moment: first, whoever asked gets his answer
            outcome[0] = TransitionCallbackReturn.FAILURE

    def _stop(self):
        if self._tracked:
            self.destroy_subscription(self._tracked)
            self._tracked = None
        for face_id in list(self._faces):
            self._let_go(face_id)
        self._followed = 0
        self._smoother.reset()

    # Faces

    def _apply_live(self):
        self._values = values = read(self, EXPRESSION_NODE)
        self._max_pixels = int(values.max_image_megapixels * 1e6)
        self._smoother.time_constant = values.smoothing_time_constant
        self._smoother.hysteresis = values.hysteresis
        if self._classifier:
            threshold, card = values.uncertain_threshold, self._classifier.card
            self._smoother.uncertain_below = card.uncertain_below if threshold < 0 else threshold

    def _follow(self, message):
        """Take up new faces while there is room, let go of those that are gone."""
        ids = dict.fromkeys(message.ids)
        self._followed = len(ids)
        for gone in set(self._faces) - set(ids):
            self._let_go(gone)
        for beyond in list(self._faces)[self._values.max_faces :]:
            self._let_go(beyond)
        for face_id in (i for i in ids if i not in self._faces):
            if len(self._faces) >= self._values.max_faces:
                break
            try:
                self._take_up(face_id)
            except Exception as error:  # rcl's own kinds: an id that no topic can bear
                self._complain(error)
        self._smoother.keep(self._faces)

    def _take_up(self, face_id):
        newest = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        cropped = f"{FACE}/cropped".replace("ID", face_id)
        expression = publisher(self, f"{FACE}/expression", face_id, TOPICS)
        try:
            subscription = self.create_subscription(
                Image, cropped, lambda message: self._look(face_id, message), newest
            )
        except BaseException:
            self.destroy_publisher(expression)
            raise
        self._faces[face_id] = expression, subscription

    def _let_go(self, face_id):
        expression, subscription = self._faces.pop(face_id)
        self.destroy_subscription(subscription)
        self.destroy_publisher(expression)

    def _look(self, face_id, message):
        if face_id not in self._faces:
            return  # taken in before the face was let go of
        self._received += 1
        self._health.heard()
        began = time.perf_counter()
        try:
            assert self._classifier  # as long as there are faces
            raw = self._classify(decode_image(message, self._max_pixels), self._classifier)
        except Exception as error:  # whatever one picture brings, the next one is looked at
            self._processed += 1
            self._complain(error)
            return
        classified = time.perf_counter() - began
        stamp = message.header.stamp.sec + message.header.stamp.nanosec * 1e-9
        restart = self._timeline.advance(stamp, time.monotonic())
        if restart:
            self._smoother.reset()
            self.get_logger().warning(f"{restart}, smoothing begins anew")
        probabilities, emotion = self._smoother.update(face_id, raw, self._timeline.now)
        if emotion != UNCERTAIN:
            header, confidence = message.header, float(probabilities[emotion])
            expression = expression_message(
                self._hri, header, label_of(emotion), confidence, valence_of(probabilities)
            )
            self._faces[face_id][0].publish(expression)
        age = self.get_clock().now().nanoseconds * 1e-9 - stamp
        same = stamp == self._stamp and len(self._faces) > 1
        self._health.processed(
            stamp, age, restart, same_image=same, stages={"classify": classified}
        )
        self._processed, self._stamp = self._processed + 1, stamp

    def _classify(self, bgr, classifier):
        """What the model says of a picture, BGR, uint8 [H, W, 3], as a whole."""
        height, width = bgr.shape[:2]
        side = max(height, width)
        whole = Detection(Box((width - side) / 2, (height - side) / 2, side, side), 1.0)
        card = classifier.card
        framing = Framing(WHOLE * card.margin)
        crop = crop_face(bgr, whole, framing, card.crop.size, card.crop.channels)
        return classifier.probabilities(crop)

    def _complain(self, error):
        reason = one_line(error)
        if self._health.failed(reason):
            self.get_logger().error(f"face left out: {reason}")

    # Diagnostics

    def _report(self):
        facts = {"faces": len(self._faces), "max_faces": self._values.max_faces}
        if self._classifier:
            facts["model"] = self._classifier.identity
            facts["backend"] = self._classifier.backend_name
        state = self._state_machine.current_state[1]  # rclpy has no other way to ask
        situation, problems = Situation(self.get_fully_qualified_name(), state), []
        if self._tracked:
            topic = self._tracked.topic_name
            infos = self.get_publishers_info_by_topic(topic)
            situation = Situation(
                situation.node,
                state,
                topic,
                tuple(info.qos_profile.reliability for info in infos),
                clock_missing=self.get_clock().now().nanoseconds == 0,
            )
            if not infos:
                remedy = "start the node that finds the faces, or remap humans/faces/tracked"
                problems.append(Problem(WARN, f"nobody publishes {topic}: {remedy}"))
            left_out = self._followed - len(self._faces)
            if left_out > 0 and len(self._faces) >= self._values.max_faces:
                fault = f"{left_out} of {self._followed} faces are not looked at"
                remedy = f"raise max_faces, now {self._values.max_faces}"
                problems.append(Problem(WARN, f"{fault}: {remedy}"))
        limits = SimpleNamespace(**vars(self._values) | NO_LIMITS)
        counts = self._received, self._processed, 0
        report, _ = status(situation, self._health, counts, limits, problems, **facts)
        message = DiagnosticArray(status=[report])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)


def main(args=None) -> int:
    """Run the node until it is told to stop."""
    return run_node("expression_node", ExpressionNode, args)


if __name__ == "__main__":
    sys.exit(main())
