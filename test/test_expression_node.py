# SPDX-License-Identifier: Apache-2.0
"""expression_node as far as it goes without hri_msgs."""

from types import SimpleNamespace

import pytest
from rclpy.parameter import Parameter
from std_msgs.msg import Header

from fer_ros.nodes import expression_node


@pytest.fixture
def node(context, monkeypatch):
    """The node with a message of another kind in the place of the list of ids."""
    monkeypatch.setattr(expression_node, "messages", lambda *_: SimpleNamespace(IdsList=Header))
    node = expression_node.ExpressionNode(context=context, use_global_arguments=False)
    yield node
    node.destroy_node()


def test_takes_a_parameter_while_it_runs(node):
    (result,) = node.set_parameters([Parameter("smoothing_time_constant", value=0.25)])
    assert result.successful
    assert node.get_clock().now().nanoseconds > 0
