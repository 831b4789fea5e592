# SPDX-License-Identifier: Apache-2.0
"""What a node's callbacks raise is seen; what rcl refuses is not the end."""

import pytest

PROGRAM = """
import sys
from rclpy.node import Node
from fer_ros.nodes.run import run_node

class Broken(Node):
    def start(self):
        self.create_timer(0.1, self.fail)

    def fail(self):
        raise RuntimeError("a defect")

sys.exit(run_node("broken", lambda: Broken("broken")))
"""


@pytest.mark.ros
def test_a_defect_in_a_callback_is_not_hidden(start, tmp_path):
    program = tmp_path / "broken.py"
    program.write_text(PROGRAM)
    node = start(str(program))
    assert node.wait() != 0
    assert "Traceback" in node.words()
    assert "RuntimeError: a defect" in node.words()
