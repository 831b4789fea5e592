# SPDX-License-Identifier: Apache-2.0
"""Each node's parameters, from their table to ROS: declaration, descriptor, validation.

``python -m fer_ros.nodes.parameters`` prints the tables of docs/parameters.md.
"""

import difflib
from collections.abc import Sequence
from types import SimpleNamespace

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)

from fer_ros.settings import EMOTION_NODE, EXPRESSION_NODE, VIDEO_SOURCE, WEB_VIEW, Setting

ALWAYS_KNOWN = ("qos_overrides.", "use_sim_time", "start_type_description_service")
"""Beginnings of the names that rclpy declares by itself, sooner or later."""


def descriptor(setting: Setting) -> ParameterDescriptor:
    """What ``ros2 param describe`` shows, and what rclpy checks."""
    result = ParameterDescriptor(
        name=setting.name,
        description=setting.description,
        read_only=setting.read_only,
        dynamic_typing=setting.is_switch,
    )
    if setting.choices:
        result.additional_constraints = f"one of {', '.join(map(str, setting.choices))}"
    if setting.range and isinstance(setting.default, float):
        low, high = map(float, setting.range)
        result.floating_point_range = [FloatingPointRange(from_value=low, to_value=high)]
    elif setting.range:
        low, high = map(int, setting.range)
        result.integer_range = [IntegerRange(from_value=low, to_value=high, step=1)]
    return result


def declare(node, table: Sequence[Setting]) -> None:
    """Declare a node's parameters and refuse values outside their choices from now on.

    Warns of what was given at start and is no parameter of this node.

    Raises:
        ParameterException: rclpy's, when a value given at start is refused.
    """
    by_name = {s.name: s for s in table}

    def check(parameters):
        for p in parameters:
            setting = by_name.get(p.name)
            if setting and (fault := setting.fault(p.value)):
                reason = f"{p.name} = {p.value!r}: {fault}"
                return SetParametersResult(successful=False, reason=reason)
        return SetParametersResult(successful=True)

    node.add_on_set_parameters_callback(check)
    # rclpy keeps what nobody declares to itself, and has no public way to ask for it.
    given = getattr(node, "_parameter_overrides", {})
    renamed = {s.formerly: s.name for s in table if s.formerly in given}
    for old, new in renamed.items():
        node.get_logger().warning(f"{old} is called {new} now")
    for setting in table:
        override = given.get(setting.formerly)
        default = override.value if override else setting.default
        node.declare_parameter(setting.name, default, descriptor(setting))
    for name in given:
        if not (node.has_parameter(name) or name in renamed or name.startswith(ALWAYS_KNOWN)):
            near = difflib.get_close_matches(name, by_name, 1)
            hint = f"did you mean {near[0]}?" if near else "see --help"
            node.get_logger().warning(f"no parameter {name}: {hint}")


def read(node, table: Sequence[Setting]) -> SimpleNamespace:
    """The current values, one attribute for each parameter."""
    return SimpleNamespace(**{s.name: s.meant(node.get_parameter(s.name).value) for s in table})


def markdown(table: Sequence[Setting]) -> str:
    """The table as docs/parameters.md has it."""
    lines = ["| parameter | default | values | live | |", "|---|---|---|---|---|"]
    for s in table:
        default = str(s.default).lower() if isinstance(s.default, bool) else str(s.default)
        if s.choices:
            values = ", ".join(f"`{c}`" for c in s.choices)
        elif s.range:
            values = f"{s.range[0]} to {s.range[1]}"
        else:
            values = {bool: "`true`, `false`", str: "text"}.get(type(s.default), "")
        live = "yes" if s.live else "at the start alone" if s.read_only else ""
        lines.append(f"| `{s.name}` | `{default}` | {values} | {live} | {s.description} |")
    return "\n".join(lines)


if __name__ == "__main__":
    tables = {
        "emotion_node": EMOTION_NODE,
        "expression_node": EXPRESSION_NODE,
        "video_source": VIDEO_SOURCE,
        "web_view": WEB_VIEW,
    }
    for title, settings in tables.items():
        print(f"### {title}\n\n{markdown(settings)}\n")
