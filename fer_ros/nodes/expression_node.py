# SPDX-License-Identifier: Apache-2.0
"""The expressions of faces that another node finds and follows, as REP 155 (ROS4HRI) has them.

Listens to ``humans/faces/tracked`` and each face's ``cropped``; adds each face's ``expression``,
and nothing else. A classifier takes a millisecond a face, so there is no worker: a face's next
picture replaces the one that waits.
"""

import sys
import time

from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

from fer_ros.emotions.classes import UNCERTAIN, label_of, valence_of
from fer_ros.emotions.classifier import Classifier
from fer_ros.emotions.model_card import ModelError
from fer_ros.emotions.smoothing import Smoother
from fer_ros.faces.crop import crop_face
from fer_ros.faces.detectors import Detection, Framing
from fer_ros.images.codec import decode_image
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


class ExpressionNode(Node):
    """``expression_node``; topics and parameters are in docs/. Raises RuntimeError where
    hri_msgs is not installed or the model cannot be used.
    """

    def __init__(self, **options):
        super().__init__("expression_node", **options)
        self._hri = messages("hri_msgs", "expression_node")
        declare(self, EXPRESSION_NODE)
        values = read(self, EXPRESSION_NODE)
        try:
            self._classifier = Classifier(values.model, values.threads)
        except ModelError as error:
            raise RuntimeError(str(error)) from None
        self._smoother = Smoother()
        self._health = Health()
        self._timeline = StampClock()
        self._faces: dict[str, tuple] = {}
        self._apply_live()
        self.add_post_set_parameters_callback(lambda _: self._apply_live())
        self.create_subscription(self._hri.IdsList, TRACKED, self._follow, 10)

    def start(self) -> None:
        """Say what is listened to."""
        topic = self.resolve_topic_name(TRACKED)
        self.get_logger().info(f"listening to {topic}, model {self._classifier.identity}")

    def _apply_live(self):
        values = read(self, EXPRESSION_NODE)
        self._max_pixels = int(values.max_image_megapixels * 1e6)
        self._smoother.time_constant = values.smoothing_time_constant
        self._smoother.hysteresis = values.hysteresis
        threshold = values.uncertain_threshold
        card = self._classifier.card
        self._smoother.uncertain_below = card.uncertain_below if threshold < 0 else threshold

    def _follow(self, message):
        """Take up new faces, let go of those that are gone."""
        ids = set(message.ids)
        for gone in set(self._faces) - ids:
            publisher, subscription = self._faces.pop(gone)
            self.destroy_subscription(subscription)
            self.destroy_publisher(publisher)
        for face_id in ids - set(self._faces):
            try:
                self._faces[face_id] = self._open(face_id)
            except Exception as error:  # rcl's own kinds: an id that no topic can bear
                self._complain(error)
        self._smoother.keep(self._faces)

    def _open(self, face_id):
        newest = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)

        def take(message):
            self._look(face_id, message)

        cropped = f"{FACE}/cropped".replace("ID", face_id)
        subscription = self.create_subscription(Image, cropped, take, newest)
        return publisher(self, f"{FACE}/expression", face_id, TOPICS), subscription

    def _look(self, face_id, message):
        if face_id not in self._faces:
            return  # taken in before the face was let go of
        try:
            bgr = decode_image(message, self._max_pixels)
            height, width = bgr.shape[:2]
            side = max(height, width)
            whole = Detection(Box((width - side) / 2, (height - side) / 2, side, side), 1.0)
            card = self._classifier.card
            framing = Framing(WHOLE * card.margin)
            crop = crop_face(bgr, whole, framing, card.crop.size, card.crop.channels)
            raw = self._classifier.probabilities(crop)
        except Exception as error:  # whatever one picture brings, the next one is looked at
            self._complain(error)
            return
        probabilities, emotion = self._smoother.update(face_id, raw, self._time_of(message))
        if emotion != UNCERTAIN:
            header, confidence = message.header, float(probabilities[emotion])
            expression = expression_message(
                self._hri, header, label_of(emotion), confidence, valence_of(probabilities)
            )
            self._faces[face_id][0].publish(expression)

    def _time_of(self, message) -> float:
        """Seconds on the time line of the stamps; when that begins anew, so does the smoothing."""
        stamp = message.header.stamp
        restart = self._timeline.advance(stamp.sec + stamp.nanosec * 1e-9, time.monotonic())
        if restart:
            self._smoother.reset()
            self.get_logger().warning(f"{restart}, smoothing begins anew")
        return self._timeline.now

    def _complain(self, error):
        reason = one_line(error)
        if self._health.failed(reason):
            self.get_logger().error(f"face left out: {reason}")


def main(args=None) -> int:
    """Run the node until it is told to stop."""
    return run_node("expression_node", ExpressionNode, args)


if __name__ == "__main__":
    sys.exit(main())
