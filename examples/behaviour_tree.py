# SPDX-License-Identifier: Apache-2.0
"""Conditions for behaviour trees on what faces show, and a small tree of them that runs.

An example to copy and change; needs py_trees (sudo apt install ros-jazzy-py-trees, or pip install
py_trees). Beside a running emotion_node::

    python3 behaviour_tree.py

The tree gives room to who shows anger for two seconds, greets each face once that is engaged,
answers its smile, and else waits; it speaks by ``say`` (std_msgs/String). The conditions are
``IsEngaged``, ``Shows(expression, for_seconds)`` and ``Changed(to)``; an ``EmotionClient``
subscribes for them to ``emotions``, ``engagement`` and ``emotion_events``.

They go by what faces show, which is not what people feel.
"""

import sys

import rclpy
from rclpy.executors import ExternalShutdownException
from std_msgs.msg import String

from fer_ros.nodes.client import EmotionClient

try:
    import py_trees
except ImportError:
    sys.exit("needs py_trees: sudo apt install ros-jazzy-py-trees, or pip install py_trees")
from py_trees.behaviour import Behaviour
from py_trees.common import Status
from py_trees.composites import Selector, Sequence

TICK = 0.1  # seconds between two ticks of the tree
SILENCE = 2.0  # seconds without results after which nobody counts as there


class IsEngaged(Behaviour):
    """Whether a face wants something of the robot."""

    def __init__(self, client: EmotionClient):
        super().__init__("is engaged")
        self._client = client

    def update(self):
        """Look at who is there now."""
        return Status.SUCCESS if self._client.engaged else Status.FAILURE


class Meets(Behaviour):
    """Whether a face is engaged that was not before, once for each."""

    def __init__(self, client: EmotionClient):
        super().__init__("meets somebody")
        self._client = client
        self._known: set[int] = set()

    def update(self):
        """Look at who is there now."""
        new = {face.track_id for face in self._client.engaged} - self._known
        self._known |= new
        return Status.SUCCESS if new else Status.FAILURE


class Shows(Behaviour):
    """Whether a face that looks here has shown an expression for so many seconds."""

    def __init__(self, client: EmotionClient, expression: str, for_seconds: float = 0.0):
        super().__init__(f"shows {expression} for {for_seconds:g} s")
        self._client = client
        self._expression, self._seconds = expression, for_seconds

    def update(self):
        """Look at the newest faces."""
        shows = any(
            face.facing
            and face.label == self._expression
            and self._client.shown_for(face) >= self._seconds
            for face in self._client.faces
        )
        return Status.SUCCESS if shows else Status.FAILURE


class Changed(Behaviour):
    """Whether a face has changed to an expression, once for each such event. Events of before the
    first tick do not count.
    """

    def __init__(self, client: EmotionClient, to: str):
        super().__init__(f"changed to {to}")
        self._client, self._to = client, to
        self._known: int | None = None

    def update(self):
        """Compare with the last tick."""
        before, self._known = self._known, self._client.event_counts[self._to]
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


def make_tree(client: EmotionClient, say) -> Behaviour:
    """The tree: what comes first goes first."""

    def when(name, *conditions, words):
        return Sequence(name, memory=False, children=[*conditions, Say(words, say)])

    angry = Becomes("at once", Shows(client, "anger", for_seconds=2.0))
    return Selector(
        "react",
        memory=False,
        children=[
            when("give room", angry, words="I will wait over there."),
            when("greet", Meets(client), words="Hello!"),
            when("smile back", Changed(client, "joy"), IsEngaged(client), words="You are smiling!"),
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
    client = EmotionClient(node, max_age=SILENCE)
    tree = make_tree(client, node.create_publisher(String, "say", 10))
    print(py_trees.display.unicode_tree(tree), flush=True)
    topic = node.resolve_topic_name("emotions")
    node.get_logger().info(f"waiting for faces on {topic}: is emotion_node running?")
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
