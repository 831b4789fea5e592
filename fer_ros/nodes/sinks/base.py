# SPDX-License-Identifier: Apache-2.0
"""What every output of emotion_node takes and does."""

import secrets

from rclpy.lifecycle import LifecycleNode
from std_msgs.msg import Header

from fer_ros.parameters.options import EmotionNodeOptions
from fer_ros.result import Result

SETTLE = 1.0  # seconds in which camera_info may come after the first image


class FaceIds:
    """An id such as ``f3a91c0d2_7`` for each track: the same for one activation of the node, and
    never again (REP 155 asks for ids that do not outlive a face).
    """

    def __init__(self):
        self.renew()

    def renew(self) -> None:
        """Give none of the ids of before again."""
        self._run = secrets.token_hex(4)

    def of(self, track_id: int) -> str:
        """The id of a track, the same each time."""
        return f"f{self._run}_{track_id}"


class Sink:
    """One output: made with the node, opened while it is active and the parameters ask for it.

    ``values`` are the node's parameters; they are replaced between two images.
    All but ``open`` and ``close`` are called on the worker's thread, or while it rests.
    """

    values: EmotionNodeOptions

    def __init__(self, node: LifecycleNode, ids: FaceIds):
        self.node = node
        self.ids = ids

    def open(self, values: EmotionNodeOptions) -> None:
        """Begin. Raises RuntimeError, one line, when the messages it needs are not installed."""
        self.values = values

    def publish(self, header: Header, result: Result) -> None:
        """Publish what there is to say of the image with this header."""

    def is_placed(self, header: Header, result: Result) -> bool:
        """Whether it is known where in space the faces are; that it is not is logged once."""
        if result.camera is None and result.now > SETTLE:
            self.node.get_logger().warning(
                "no markers and no frames: camera_info is missing, belongs to images of another "
                "shape, or is not calibrated",
                once=True,
            )
        if not header.frame_id:  # RViz and tf2 would refuse it
            self.node.get_logger().warning(
                "no markers and no frames: the images have no frame_id; set it in the driver",
                once=True,
            )
        return result.camera is not None and bool(header.frame_id)

    def reset(self) -> None:
        """Forget all faces. Called by any thread."""

    def close(self) -> None:
        """End what ``open`` began, also when it did not come to its end."""
