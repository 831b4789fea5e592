# SPDX-License-Identifier: Apache-2.0
"""What every output of emotion_node takes and does."""

import secrets
from dataclasses import dataclass, field

import numpy as np
from rclpy.lifecycle import LifecycleNode
from std_msgs.msg import Header

from fer_ros.nodes.camera import Camera
from fer_ros.parameters.options import EmotionNodeOptions
from fer_ros.result import Result


class FaceIds:
    """An id such as ``f3a91c0d2_7`` for each track: the same for one activation of the node, and
    never again (REP 155 asks for ids that do not outlive a face).
    """

    def __init__(self):
        self._run = secrets.token_hex(4)

    def of(self, track_id: int) -> str:
        """The id of a track, the same each time."""
        return f"f{self._run}_{track_id}"


@dataclass
class Scene:
    """What the outputs share while the node is active."""

    camera: Camera
    ids: FaceIds = field(default_factory=FaceIds)


class Sink:
    """One output: made with the node, opened while it is active and the parameters ask for it.

    ``values`` are the node's parameters; they are replaced between two images.
    All but ``open`` and ``close`` are called on the worker's thread, or while it rests.
    """

    values: EmotionNodeOptions

    def __init__(self, node: LifecycleNode, scene: Scene):
        self.node = node
        self.scene = scene

    def open(self, values: EmotionNodeOptions) -> None:
        """Begin. Raises RuntimeError, one line, when the messages it needs are not installed."""
        self.values = values

    def publish(self, header: Header, image: np.ndarray, result: Result) -> None:
        """Publish what there is to say of an image, BGR, uint8 [H, W, 3], with its header."""

    def reset(self) -> None:
        """Forget all faces. Called by any thread."""

    def close(self) -> None:
        """End what ``open`` began, also when it did not come to its end."""
