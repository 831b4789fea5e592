# SPDX-License-Identifier: Apache-2.0
"""The parameters of the node that is looked at: read from time to time, changed on demand.

Whatever a page asks and whatever answers by the node's name is data: taken where it fits the table
of parameters, else refused in words.
"""

import time
from collections.abc import Callable

from rcl_interfaces.msg import ParameterType
from rcl_interfaces.srv import GetParameters, SetParameters
from rclpy import parameter as ros
from rclpy.node import Node
from rclpy.task import Future

from fer_ros.parameters import Parameter, ParameterError, Value
from fer_ros.parameters.parameter import KINDS, SHOWN
from fer_ros.web.content import LIVE

MAX_TEXT = 300  # characters of a reason
PATIENCE = 5.0  # seconds after which an answer is not waited for any longer


class RemoteParameters:
    """Those of ``node`` that take effect at once. All on the executor's thread.

    ``callback``: called with name, value, success and reason of each change asked for; ``guarded``:
    makes of a function one that raises nothing.
    """

    def __init__(
        self,
        node: Node,
        target: str,
        callback: Callable[[str, Value, bool, str], None],
        guarded: Callable[[Callable], Callable],
    ):
        self.values: dict[str, Value] = {}
        """As they were lately; empty until the node has answered."""
        self._node, self._target, self._callback = node, target, callback
        self._guarded = guarded
        self._table = {row.name: row for row in LIVE}
        self._get = node.create_client(GetParameters, f"{target}/get_parameters")
        self._set = node.create_client(SetParameters, f"{target}/set_parameters")
        self._asked = float("-inf")
        self._pending: Future | None = None
        self._told = False

    def refresh(self) -> None:
        """Ask for the values, unless an answer is still to come."""
        now = time.monotonic()
        if self._pending and now - self._asked > PATIENCE:
            self._get.remove_pending_request(self._pending)
            self._pending = None
        if self._pending or not self._get.service_is_ready():
            return
        names = list(self._table)
        self._asked = now
        self._pending = future = self._get.call_async(GetParameters.Request(names=names))
        future.add_done_callback(self._guarded(lambda done: self._take(names, done)))

    def set(self, name: str, value: object) -> None:
        """Change one, if it is among them and can have this value; the answer comes later."""
        try:
            value = _checked(self._table.get(name), name, value)
        except ParameterError as error:
            self._callback(name[:100], str(value)[:100], False, str(error)[:300])
            return
        if not self._set.service_is_ready():
            self._callback(name, value, False, f"{self._target} does not run")
            return
        parameters = [ros.Parameter(name, value=value).to_parameter_msg()]
        future = self._set.call_async(SetParameters.Request(parameters=parameters))
        future.add_done_callback(self._guarded(lambda done: self._take_outcome(name, value, done)))

    def _take(self, names: list[str], future: Future) -> None:
        if future is not self._pending:
            return
        self._pending = None
        given = [] if future.exception() else future.result().values
        if given and len(given) != len(names):
            self._tell_once(f"{len(given)} values for {len(names)} parameters")
            return
        known = {}
        for name, value in zip(names, given, strict=False):
            if value.type == ParameterType.PARAMETER_NOT_SET:
                continue
            try:
                known[name] = _checked(self._table[name], name, _plain(value))
            except ParameterError as error:
                self._tell_once(str(error))
        if given:
            self.values = known

    def _take_outcome(self, name, value, future):
        if future.exception():
            self._callback(name, value, False, type(future.exception()).__name__)
            return
        results = future.result().results
        if len(results) == 1:
            self._callback(name, value, results[0].successful, results[0].reason[:MAX_TEXT])
        else:
            fault = f"{len(results)} results for one parameter"
            self._tell_once(fault)
            self._callback(name, value, False, f"{self._target} answers {fault}")
        self.refresh()

    def _tell_once(self, fault: str) -> None:
        if not self._told:
            self._told = True
            line = f"an answer of {self._target} is left out, wholly or in part: {fault[:MAX_TEXT]}"
            self._node.get_logger().warning(line)


def _plain(message) -> object:
    """What a ParameterValue holds. Raises ParameterError for a type that there is not."""
    try:
        return ros.parameter_value_to_python(message)
    except (RuntimeError, ValueError, AttributeError):
        raise ParameterError(f"a value of type {message.type}") from None


def _checked(row: Parameter | None, name: str, value: object) -> Value:
    """The value as the parameter's type. Raises ParameterError."""
    if row is None:
        raise ParameterError(f"{name}: not a parameter that can be changed here")
    if isinstance(value, str) and not isinstance(row.default, str):
        raise ParameterError(f"{name}={value[:SHOWN]}: expected {KINDS[type(row.default)]}")
    checked = row.checked(value)
    if isinstance(checked, int) and not -(2**63) <= checked < 2**63:
        raise ParameterError(f"{name}: not a number that a parameter can hold")
    if isinstance(checked, str) and not checked.isprintable():
        raise ParameterError(f"{name}: characters that cannot be printed")
    return checked
