# SPDX-License-Identifier: Apache-2.0
"""Each node's parameters, from their table to ROS: declaration, descriptor, validation."""

from collections.abc import Sequence
from typing import TypeVar

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)

from fer_ros.parameters import Parameter, ParameterError
from fer_ros.parameters.files import OF_RCLPY
from fer_ros.parameters.parameter import unknown

Options = TypeVar("Options")


def descriptor(parameter: Parameter) -> ParameterDescriptor:
    """What ``ros2 param describe`` shows, and what rclpy checks."""
    result = ParameterDescriptor(
        name=parameter.name,
        description=parameter.described,
        read_only=parameter.read_only,
        dynamic_typing=parameter.is_switch,
    )
    if parameter.choices:
        result.additional_constraints = f"one of {', '.join(map(str, parameter.choices))}"
    if parameter.range and isinstance(parameter.default, float):
        low, high = map(float, parameter.range)
        result.floating_point_range = [FloatingPointRange(from_value=low, to_value=high)]
    elif parameter.range:
        low, high = map(int, parameter.range)
        result.integer_range = [IntegerRange(from_value=low, to_value=high, step=1)]
    return result


def declare(node, table: Sequence[Parameter]) -> None:
    """Declare a node's parameters and refuse values outside their choices from now on.

    Warns of what was given at start and is no parameter of this node.

    Raises:
        ParameterException: rclpy's, when a value given at start is refused.
    """
    by_name = {row.name: row for row in table}

    def check(parameters):
        try:
            for p in parameters:
                if p.name in by_name:
                    by_name[p.name].checked(p.value)
        except ParameterError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    node.add_on_set_parameters_callback(check)
    # rclpy keeps what nobody declares to itself, and has no public way to ask for it.
    given = getattr(node, "_parameter_overrides", {})
    for row in table:
        node.declare_parameter(row.name, row.default, descriptor(row))
    for name in given:
        if not (node.has_parameter(name) or name.startswith(OF_RCLPY)):
            node.get_logger().warning(unknown(name, by_name))


def read(node, table: Sequence[Parameter], kind: type[Options]) -> Options:
    """The current values as the dataclass of the node's options."""
    return kind(**{row.name: row.meant(node.get_parameter(row.name).value) for row in table})
