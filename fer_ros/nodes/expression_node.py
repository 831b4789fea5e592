# SPDX-License-Identifier: Apache-2.0
"""The expressions of faces that another node finds and follows, as REP 155 (ROS4HRI) has them.

Listens to ``humans/faces/tracked`` and the ``cropped`` of at most ``max_faces``; adds each face's
``expression``, and nothing else. The worker takes the faces by turns; a face's next picture
replaces the one that waits.
"""

if __name__ == "__main__":  # before the imports below: they take a second, and signals are obeyed
    from fer_ros.start import expression_node

    raise SystemExit(expression_node())

import time
from dataclasses import dataclass, field, replace
from typing import Any

from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription
from sensor_msgs.msg import Image

from fer_ros.emotions.classes import UNCERTAIN, label_of, valence_of
from fer_ros.emotions.classifier import Classifier
from fer_ros.emotions.smoothing import Smoother
from fer_ros.faces.crop import crop_face
from fer_ros.faces.detectors import Detection, Framing
from fer_ros.images.bit_depth import BitDepth
from fer_ros.images.codec import decode_image
from fer_ros.inference import advice
from fer_ros.nodes.diagnostics import ERROR, WARN, Problem
from fer_ros.nodes.managed_node import ManagedNode
from fer_ros.nodes.optional import messages
from fer_ros.nodes.publishers import publisher
from fer_ros.nodes.run import run_node
from fer_ros.nodes.sinks.humans import expression_message
from fer_ros.nodes.topics import EXPRESSION_NODE_TOPICS as TOPICS
from fer_ros.nodes.topics import FACE, TRACKED
from fer_ros.parameters import EXPRESSION_NODE
from fer_ros.parameters.options import ExpressionNodeOptions, HealthLimits
from fer_ros.result import Box
from fer_ros.stamp_clock import StampClock, seconds_of

WHOLE = 1.0
"""Side of the square given to the model over that of the picture. Which detector cut the picture
out is not known; with those of fer_ros, 1.0 agrees with emotion_node best: on 98 to 100 % of the
sample's faces.
"""
LONG = 2.0
"""Seconds that one picture takes from which the model is said to hang: it takes milliseconds."""


@dataclass(eq=False)
class _TrackedFace:
    """A face while it is tracked; its stamps are its own, as faces are looked at by turns."""

    expression: Publisher
    cropped: Subscription
    clock: StampClock = field(default_factory=StampClock)
    stamp: float = 0.0


class ExpressionNode(ManagedNode[Classifier, ExpressionNodeOptions]):
    """``expression_node``; topics, services and parameters are in docs/.

    Args:
        **options: rclpy's for a node.

    Raises:
        RuntimeError: hri_msgs is not installed.
    """

    item = "face"

    def __init__(self, **options):
        super().__init__("expression_node", EXPRESSION_NODE, ExpressionNodeOptions, **options)
        self._hri = messages("hri_msgs", "expression_node")
        self._smoother = Smoother()
        self._tracked: Subscription | None = None
        self._bit_depth = BitDepth()
        self._faces: dict[str, _TrackedFace] = {}
        self._followed = 0
        self._follow_parameters()

    # Executor's thread

    def _load(self, values: ExpressionNodeOptions) -> Classifier:
        classifier = Classifier(values.model, values.threads)
        self.get_logger().info(f"model {classifier.identity} by {classifier.backend_name}")
        if faster := advice(classifier.backend_name):
            self.get_logger().info(faster)
        return classifier

    def _open(self, values: ExpressionNodeOptions) -> str:
        self._tracked = self.create_subscription(
            self._hri.IdsList, TRACKED, self._follow, QoSProfile(depth=10)
        )
        return self._tracked.topic_name

    def _close(self):
        if self._tracked:
            self.destroy_subscription(self._tracked)
            self._tracked = None
        for face_id in list(self._faces):
            self._let_go(face_id)
        self._followed = 0

    def _forget(self):
        self._worker.call("forget", self._smoother.reset)

    def _limits(self):
        # What says nothing of a node to which pictures come only with faces.
        no_limit = dict.fromkeys(
            ("no_image_warn", "no_image_error", "missed_warn", "dropped_warn", "max_rate"), -1.0
        )
        return HealthLimits(self._values.age_warn, self._values.age_error, **no_limit)

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
                self._leave_out(error)
        faces = tuple(self._faces.values())
        self._worker.call("keep", lambda: self._smoother.keep(faces))

    def _take_up(self, face_id):
        newest = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        cropped = f"{FACE}/cropped".replace("ID", face_id)
        expression = publisher(self, f"{FACE}/expression", face_id, TOPICS)
        try:
            subscription = self.create_subscription(
                Image, cropped, lambda message: self._take_in(face_id, message), newest
            )
        except BaseException:
            self.destroy_publisher(expression)
            raise
        with self._between_results():  # in which the worker goes through the faces
            self._faces[face_id] = _TrackedFace(expression, subscription)

    def _let_go(self, face_id):
        with self._between_results():
            face = self._faces.pop(face_id)
        self._worker.drop(face_id)
        self.destroy_subscription(face.cropped)
        self.destroy_publisher(face.expression)

    def _take_in(self, face_id, message):
        if face := self._faces.get(face_id):  # else taken in before the face was let go of
            self._health.note_received()
            self._worker.put((face, message, time.monotonic()), face_id)

    def _describe(self, situation):
        facts: dict[str, Any] = {"faces": len(self._faces), "max_faces": self._values.max_faces}
        problems = []
        if classifier := self._engine:
            facts |= {"model": classifier.identity, "backend": classifier.backend_name}
        if situation.busy > LONG:
            fault = f"a face has been in work for {situation.busy:.0f} s: the model hangs"
            problems.append(Problem(ERROR, f"{fault}, deactivate and activate the node"))
        if self._tracked:
            topic = self._tracked.topic_name
            infos = self.get_publishers_info_by_topic(topic)
            reliabilities = tuple(info.qos_profile.reliability for info in infos)
            situation = replace(situation, topic=topic, reliabilities=reliabilities)
            if not infos:
                remedy = "start the node that finds the faces, or remap humans/faces/tracked"
                problems.append(Problem(WARN, f"nobody publishes {topic}: {remedy}"))
            left_out = self._followed - len(self._faces)
            if left_out > 0 and len(self._faces) >= self._values.max_faces:
                fault = f"{left_out} of {self._followed} faces are not looked at"
                remedy = f"raise max_faces, now {self._values.max_faces}"
                problems.append(Problem(WARN, f"{fault}: {remedy}"))
        return situation, facts, problems

    # Worker's thread

    def _tune(self, values: ExpressionNodeOptions) -> None:
        self._max_pixels = values.max_pixels
        if self._engine:
            self._smoother.tune(values, self._engine.card.uncertain_below)

    def _process(self, item):
        face, message, receipt = item
        era, classifier = self._era, self._engine
        assert classifier  # while the worker works
        began = time.perf_counter()
        raw = self._classify(decode_image(message, self._max_pixels, self._bit_depth), classifier)
        classified = time.perf_counter() - began
        header = message.header
        stamp = seconds_of(header.stamp)
        with self._going_out:
            if era != self._era or face not in self._faces.values():
                return  # forgotten, or let go of, meanwhile
            restart = face.clock.advance(stamp, receipt)
            if restart:
                self._smoother.keep([f for f in self._faces.values() if f is not face])
            probabilities, emotion = self._smoother.update(face, raw, face.clock.now)
            if emotion != UNCERTAIN:
                confidence, valence = float(probabilities[emotion]), valence_of(probabilities)
                face.expression.publish(
                    expression_message(self._hri, header, label_of(emotion), confidence, valence)
                )
            another, face.stamp = stamp != face.stamp and len(self._faces) > 1, stamp
        age = self.get_clock().now().nanoseconds * 1e-9 - stamp
        self._health.processed(
            stamp, age, restart, same_image=another, stages={"classify": classified}
        )

    def _classify(self, bgr, classifier):
        """What the model says of a picture, BGR, uint8 [H, W, 3], as a whole."""
        height, width = bgr.shape[:2]
        side = max(height, width)
        whole = Detection(Box((width - side) / 2, (height - side) / 2, side, side), 1.0)
        card = classifier.card
        framing = Framing(WHOLE * card.margin)
        crop = crop_face(bgr, whole, framing, card.crop.size, card.crop.channels)
        return classifier.probabilities(crop)


def main(args=None) -> int:
    """Run the node until it is told to stop."""
    return run_node("expression_node", ExpressionNode, args)
