# SPDX-License-Identifier: Apache-2.0
"""Asks emotion_node for a transition, from a process that is otherwise without ROS."""

import os

from benchmarks.processes import PATIENCE, BenchmarkError, environment


def become_inactive() -> None:
    """Configure an emotion_node started with autostart false, and leave it at that."""
    os.environ |= environment()
    import rclpy
    from lifecycle_msgs.msg import Transition
    from lifecycle_msgs.srv import ChangeState

    rclpy.init()
    node = rclpy.create_node("operator")
    client = node.create_client(ChangeState, "emotion_node/change_state")
    try:
        if not client.wait_for_service(PATIENCE):
            raise BenchmarkError("emotion_node offers no lifecycle service")
        request = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_CONFIGURE))
        future = client.call_async(request)
        rclpy.spin_until_future_complete(node, future, timeout_sec=PATIENCE)
        if not (future.done() and future.result().success):
            raise BenchmarkError("emotion_node could not be configured")
    finally:
        node.destroy_node()
        rclpy.shutdown()
