# SPDX-License-Identifier: Apache-2.0
"""A robot that reacts to faces: turns to who wants something of it, greets who approaches and
faces it, backs off at anger that is turned to it.

An example to copy and change. Beside a running emotion_node::

    python3 social_robot.py --ros-args -r cmd_vel:=/my_robot/cmd_vel

It listens to ``emotions``, ``engagement`` and ``emotion_events``, drives by ``cmd_vel``
(geometry_msgs/Twist) and speaks by ``say`` (std_msgs/String). Parameters: ``near``, within how many
metres to greet (2.0; where the camera is not calibrated, wherever somebody stands); ``rest``,
seconds after a reaction in which it is not shown again (5.0); ``back_off``, for how many seconds to
drive backwards (1.0); ``autostart``, whether it activates itself (true).

It reacts to what a face shows, which is not what a person feels, so it does nothing that would hurt
if the expression was misread, and nothing at all at ``uncertain``.
"""

import math
import signal
import sys

import rclpy
from fer_ros.msg import EmotionArray, EmotionEvent, EngagementArray, FaceEmotion
from geometry_msgs.msg import Twist
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn
from rclpy.signals import SignalHandlerOptions
from std_msgs.msg import String

from fer_ros.nodes.client import EmotionClient
from fer_ros.stamp_clock import seconds_of

SPEED = 0.1  # m/s, backwards
TURN = 1.0  # rad/s for a face at the image's border; twice that is never reached
DEAD_ZONE = 0.05  # of the image's width; within it, a robot that turns would only tremble
SILENCE = 0.5  # seconds without results after which the robot stands still
IGNORED = (FaceEmotion.DISENGAGED, FaceEmotion.DISENGAGING)


class Behaviour:
    """What to do, by the stamps of the messages alone; no ROS but the messages.

    ``near``: metres within which somebody is greeted; ``rest``: seconds after a reaction in which
    the same one is not shown again; ``back_off``: for how many seconds to drive backwards.
    """

    def __init__(self, near: float = 2.0, rest: float = 5.0, back_off: float = 1.0):
        self.near = near
        self.rest = rest
        self.back_off = back_off
        self._last: dict[str, float] = {}
        self._greeted: set[int] = set()
        self._turned_away: set[int] = set()

    def welcome(self, message: EngagementArray) -> int:
        """The id of the face to greet now, once for each; 0 for none."""
        self._greeted &= {face.track_id for face in message.faces}
        for face in message.faces:
            is_far = face.distance > self.near  # not known is NaN, which is not over anything
            if face.engagement != FaceEmotion.ENGAGED or is_far or face.track_id in self._greeted:
                continue
            if self._shows("greet", message.header.stamp):
                self._greeted.add(face.track_id)
                return face.track_id
        return 0

    def shies(self, event: EmotionEvent) -> bool:
        """Whether to back off: at anger that has held, shown to the robot and not to another."""
        is_anger = event.to_emotion == FaceEmotion.ANGER and not event.relative
        if not is_anger or (not event.facing and event.track_id in self._turned_away):
            return False
        return self._shows("back off", event.header.stamp)

    def drive(self, message: EmotionArray) -> Twist:
        """How to move, given the faces of the newest image."""
        # Where it is not known whether a face looks here, yaw is NaN.
        known = [face for face in message.faces if not math.isnan(face.yaw)]
        self._turned_away = {face.track_id for face in known if not face.facing}
        twist = Twist()
        if self._since("back off", seconds_of(message.header.stamp)) < self.back_off:
            twist.linear.x = -SPEED
        wanting = [face for face in message.faces if face.engagement not in IGNORED]
        if wanting:
            roi = wanting[0].roi  # the largest, so the nearest
            offset = (roi.x_offset + roi.width / 2) / message.image_width - 0.5
            if abs(offset) > DEAD_ZONE:
                twist.angular.z = -2 * TURN * offset  # to the left is positive (REP 103)
        return twist

    def _shows(self, reaction, stamp) -> bool:
        """Whether it is time for a reaction, which is shown then."""
        now = seconds_of(stamp)
        if self._since(reaction, now) < self.rest:
            return False
        self._last[reaction] = now
        return True

    def _since(self, reaction, now) -> float:
        """Seconds since a reaction; endless for one not shown, or of before the stamps jumped."""
        elapsed = now - self._last.get(reaction, float("-inf"))
        return elapsed if elapsed >= 0 else float("inf")


class SocialRobot(LifecycleNode):
    """Behaviour with topics around it. Moves and speaks only while active."""

    def __init__(self, **options):
        super().__init__("social_robot", **options)
        self.declare_parameter("autostart", True)
        self.declare_parameter("near", 2.0)
        self.declare_parameter("rest", 5.0)
        self.declare_parameter("back_off", 1.0)
        self._speech = self.create_lifecycle_publisher(String, "say", 10)
        self._cmd_vel = self.create_lifecycle_publisher(Twist, "cmd_vel", 1)
        self._client = None
        self._is_driven = False
        # Always there: it also lets Python look at signals while nothing else happens.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(SILENCE / 2, self._watch, clock=steady)

    def on_configure(self, state):
        """Begin with a mind free of the past."""
        names = ("near", "rest", "back_off")
        self._behaviour = Behaviour(**{name: self.get_parameter(name).value for name in names})
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state):
        """Listen to emotion_node."""
        self._client = EmotionClient(
            self,
            on_emotions=self._see,
            on_engagement=self._welcome,
            on_event=self._shy,
            max_age=SILENCE,
        )
        topic = self.resolve_topic_name("emotions")
        self.get_logger().info(f"waiting for faces on {topic}: is emotion_node running?")
        return super().on_activate(state)

    def on_deactivate(self, state):
        """Stop listening and stand still."""
        self._stop()
        return super().on_deactivate(state)

    def on_shutdown(self, state):
        """Stand still, from any state."""
        self._stop()
        return TransitionCallbackReturn.SUCCESS

    def _stop(self):
        if self._client:
            self._client.close()
            self._client = None
            self._cmd_vel.publish(Twist())

    def _see(self, message):
        self._is_driven = True
        self._cmd_vel.publish(self._behaviour.drive(message))

    def _welcome(self, message):
        if track_id := self._behaviour.welcome(message):
            self.get_logger().info(f"face {track_id} is engaged: greet")
            self._speech.publish(String(data="Hello!"))

    def _shy(self, event):
        if self._behaviour.shies(event):
            self.get_logger().info(f"face {event.track_id} shows {event.to_label}: back off")

    def _watch(self):
        """Stand still when results stop coming: the last ones say nothing of the present."""
        if self._client and self._is_driven and not self._client.emotions:
            self._is_driven = False
            self._cmd_vel.publish(Twist())


def main() -> int:
    """Run until told to stop, and stand still then."""
    if {"-h", "--help"}.intersection(sys.argv):
        print(__doc__)
        return 0
    # rclpy's own handlers would end the context, and with it the last words to the motors.
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    node = SocialRobot()
    try:
        if node.get_parameter("autostart").value:
            node.trigger_configure()
            node.trigger_activate()
        rclpy.spin(node)
    except KeyboardInterrupt:
        node.trigger_shutdown()
    finally:
        node.destroy_node()
        rclpy.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
