# SPDX-License-Identifier: Apache-2.0
"""Conditions for behaviour trees on what faces show, and a small tree of them that runs.

An example to copy and change; needs py_trees (sudo apt install ros-jazzy-py-trees, or pip install
py_trees). Beside a running emotion_node::

    python3 behaviour_tree.py

The tree gives room to who shows anger for two seconds, greets each face once that is engaged,
answers its smile, and else waits; it speaks by ``say`` (std_msgs/String). The conditions are
``IsEngaged``, ``Shows(expression, for_seconds)`` and ``Changed(to)``; ``Watch`` listens for them to
``emotions``, ``engagement`` and ``emotion_events``.

They go by what faces show, which is not what people feel.
"""

import sys
import time

import rclpy
from fer_ros.msg import EmotionArray, EmotionEvent, EngagementArray, FaceEmotion
from rclpy.executors import ExternalShutdownException
from std_msgs.msg import String

try:
    import py_trees
except ImportError:
    sys.exit("needs py_trees: sudo apt install ros-jazzy-py-trees, or pip install py_trees")
from py_trees.behaviour import Behaviour
from py_trees.common import Status
from py_trees.composites import Selector, Sequence

TICK = 0.1  # seconds between two ticks of the tree
SILENCE = 2.0  # seconds without results after which nobody counts as there


class Watch:
    """What emotion_node said last: ``faces`` of the newest image, and for how long each has shown
    its expression; ids of who is ``engaged``; ``events``, how many there were for each expression.
    """

    def __init__(self):
        self.events: dict[str, int] = {}
        self._faces: list[FaceEmotion] = []
        self._engaged: set[int] = set()
        self._since: dict[int, tuple[str, float]] = {}
        self._stamp = self._heard = float("-inf")

    def listen(self, node) -> None:
        """Subscribe to emotion_node's topics."""
        node.create_subscription(EmotionArray, "emotions", self.see, 10)
        node.create_subscription(EngagementArray, "engagement", self.heed, 10)
        node.create_subscription(EmotionEvent, "emotion_events", self.note, 10)

    @property
    def faces(self) -> list[FaceEmotion]:
        """Those of the newest image; none once results stop coming."""
        return self._faces if self._is_fresh() else []

    @property
    def engaged(self) -> set[int]:
        """Ids of who wants something of the robot; none once results stop coming."""
        return self._engaged if self._is_fresh() else set()

    def shown_for(self, face: FaceEmotion) -> float:
        """Seconds for which a face has shown its expression."""
        return self._stamp - self._since[face.track_id][1]

    def see(self, message: EmotionArray) -> None:
        """Take in the faces of an image."""
        stamp = message.header.stamp.sec + message.header.stamp.nanosec * 1e-9
        known = self._since if stamp >= self._stamp else {}
        self._since = {
            face.track_id: known[face.track_id]
            if known.get(face.track_id, ("",))[0] == face.label
            else (face.label, stamp)
            for face in message.faces
        }
        self._faces, self._stamp, self._heard = message.faces, stamp, time.monotonic()

    def heed(self, message: EngagementArray) -> None:
        """Take in who wants something of the robot."""
        engaged = (face for face in message.faces if face.engagement == FaceEmotion.ENGAGED)
        self._engaged = {face.track_id for face in engaged}

    def note(self, event: EmotionEvent) -> None:
        """Take in a change that has held."""
        if not event.relative:
            self.events[event.to_label] = self.events.get(event.to_label, 0) + 1

    def _is_fresh(self):
        return time.monotonic() - self._heard < SILENCE


class IsEngaged(Behaviour):
    """Whether a face wants something of the robot."""

    def __init__(self, watch: Watch):
        super().__init__("is engaged")
        self._watch = watch

    def update(self):
        """Look at who is there now."""
        return Status.SUCCESS if self._watch.engaged else Status.FAILURE


class Meets(Behaviour):
    """Whether a face is engaged that was not before, once for each."""

    def __init__(self, watch: Watch):
        super().__init__("meets somebody")
        self._watch = watch
        self._known: set[int] = set()

    def update(self):
        """Look at who is there now."""
        new = self._watch.engaged - self._known
        self._known |= new
        return Status.SUCCESS if new else Status.FAILURE


class Shows(Behaviour):
    """Whether a face that looks here has shown an expression for so many seconds."""

    def __init__(self, watch: Watch, expression: str, for_seconds: float = 0.0):
        super().__init__(f"shows {expression} for {for_seconds:g} s")
        self._watch = watch
        self._expression, self._seconds = expression, for_seconds

    def update(self):
        """Look at the newest faces."""
        shows = any(
            face.facing
            and face.label == self._expression
            and self._watch.shown_for(face) >= self._seconds
            for face in self._watch.faces
        )
        return Status.SUCCESS if shows else Status.FAILURE


class Changed(Behaviour):
    """Whether a face has changed to an expression, once for each such event. Events of before the
    first tick do not count.
    """

    def __init__(self, watch: Watch, to: str):
        super().__init__(f"changed to {to}")
        self._watch, self._to = watch, to
        self._known: int | None = None

    def update(self):
        """Compare with the last tick."""
        before, self._known = self._known, self._watch.events.get(self._to, 0)
        return Status.SUCCESS if before is not None and self._known > before else Status.FAILURE


class Say(Behaviour):
    """Speaks."""

    def __init__(self, words: str, publisher):
        super().__init__(f"say {words!r}")
        self._words, self._publisher = words, publisher

    def update(self):
        """Publish the words."""
        self._publisher.publish(String(data=self._words))
        return Status.SUCCESS


class Becomes(py_trees.decorators.Decorator):
    """Lets its condition through in the tick in which it comes true, and not again while it is."""

    _was = False

    def update(self):
        """Compare with the last tick."""
        before, self._was = self._was, self.decorated.status == Status.SUCCESS
        return Status.SUCCESS if self._was and not before else Status.FAILURE


def make_tree(watch: Watch, say) -> Behaviour:
    """The tree: what comes first goes first."""

    def when(name, *conditions, words):
        return Sequence(name, memory=False, children=[*conditions, Say(words, say)])

    angry = Becomes("at once", Shows(watch, "anger", for_seconds=2.0))
    return Selector(
        "react",
        memory=False,
        children=[
            when("give room", angry, words="I will wait over there."),
            when("greet", Meets(watch), words="Hello!"),
            when("smile back", Changed(watch, "joy"), IsEngaged(watch), words="You are smiling!"),
            py_trees.behaviours.Running("wait"),
        ],
    )


def main() -> int:
    """Tick the tree until told to stop."""
    if {"-h", "--help"}.intersection(sys.argv):
        print(__doc__)
        return 0
    rclpy.init()
    node = rclpy.create_node("behaviour_tree")
    watch = Watch()
    watch.listen(node)
    tree = make_tree(watch, node.create_publisher(String, "say", 10))
    print(py_trees.display.unicode_tree(tree), flush=True)
    node.create_timer(TICK, tree.tick_once)
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
