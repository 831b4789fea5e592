# SPDX-License-Identifier: Apache-2.0
"""What the lifecycle nodes have in common: how they start, work, forget, report and end.

The executor's thread only takes messages in and answers; the worker's thread does all the rest, on
the newest of them. What changes that work is a command which the worker takes between two items,
so nothing waits for an item, however long a detector or a model is at it.
"""

import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn
from std_srvs.srv import Trigger

from fer_ros.emotions.model_card import ModelError
from fer_ros.nodes.announcements import Announcements
from fer_ros.nodes.declaration import declare, read
from fer_ros.nodes.diagnostics import Problem, Situation, status
from fer_ros.nodes.loading import LoadError
from fer_ros.parameters import Parameter
from fer_ros.parameters.options import HealthLimits, ManagedNodeOptions
from fer_ros.runtime.health import Health, one_line
from fer_ros.runtime.mailbox import MailboxWorker

HANGS = 0.5
"""Seconds that the end waits for the item in work before it gives that up."""
CLOCK_PATIENCE = 5.0
"""Seconds from a node's making in which /clock may begin before it is said to be missing."""
PUBLISHING = 0.1
"""Seconds that the executor's thread waits for a result that is just going out."""

T = TypeVar("T")
Options = TypeVar("Options", bound=ManagedNodeOptions)


class ManagedNode(LifecycleNode, Generic[T, Options]):
    """A lifecycle node that starts itself unless ``autostart`` is false; ``T`` is what it loads.

    A node of this kind says what its work is by the methods under "To be filled in", and calls
    ``_follow_parameters`` at the end of its making.

    Args:
        name: the node's name, unless remapped.
        table: its parameters.
        kind: what their values are made to.
        **options: rclpy's for a node.
    """

    item = "image"
    """What the log calls that on which the worker works."""
    _is_made = False

    def __init__(self, name: str, table: Sequence[Parameter], kind: type[Options], **options):
        super().__init__(name, **options)
        declare(self, table)
        self.exit_status = 0
        """What the process shall end with."""
        self._table, self._kind = table, kind
        self._values: Options = read(self, table, kind)
        self._engine: T | None = None
        self._health = Health()
        self._worker: MailboxWorker = MailboxWorker(self._process, self._leave_out)
        self._made_at = time.monotonic()
        self._last_time = 0  # ns, at the last report
        self._era = 0
        """Grows when all is forgotten: what an item in work then says is of the past."""
        self._going_out = threading.Lock()
        self._announcements = Announcements(self.get_logger())
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        # On its own clock: with use_sim_time, the node is to speak also while time stands still.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(self._values.diagnostics_period, self._report, clock=steady)
        self.create_service(Trigger, "~/reset", self._reset)
        self._give_up = self.create_guard_condition(self.context.try_shutdown)

    def start(self) -> bool:
        """Configure and activate when ``autostart`` says so; False when that failed."""
        if not self._values.autostart:
            return True
        success = TransitionCallbackReturn.SUCCESS
        return self.trigger_configure() == success and self.trigger_activate() == success

    # To be filled in

    @abstractmethod
    def _load(self, values: Options) -> T:
        """What the parameters name. Raises LoadError, ModelError."""

    @abstractmethod
    def _open(self, values: Options) -> str:
        """Begin to publish and to listen; returns the topic. What it raises is logged in a line."""

    @abstractmethod
    def _close(self) -> None:
        """End what ``_open`` began, also when it did not come to its end."""

    @abstractmethod
    def _forget(self) -> None:
        """Forget all faces: what the worker uses by a command, the rest at once."""

    @abstractmethod
    def _tune(self, values: Options) -> None:
        """Take up the parameters that may change between two items. On the worker's thread."""

    @abstractmethod
    def _process(self, item: Any) -> None:
        """Work on an item and publish the result. On the worker's thread."""

    @abstractmethod
    def _describe(self, situation: Situation) -> tuple[Situation, dict[str, Any], list[Problem]]:
        """For a report: the situation with what this node knows of it, values, problems."""

    @abstractmethod
    def _limits(self) -> HealthLimits:
        """From where /diagnostics warns."""

    # Lifecycle

    def on_configure(self, state):
        """Load detector and model; on failure stay unconfigured and say why."""
        with self._transition("configured") as outcome:
            self._engine = self._load(self._values)
        return outcome()

    def on_activate(self, state):
        """Begin to listen and to work; on failure stay inactive, with nothing open, and say why."""
        with self._transition("activated") as outcome:
            if self._engine is None:  # the last one hung, and was given up
                self._engine = self._load(self._values)
            self._apply_live()  # to what is loaded, and what a worker that hung has not taken up
            topic = self._open(self._values)
            super().on_activate(state)
            self._health.note_received()
            self._worker.start()
            self.get_logger().info(f"listening to {topic}")
        return outcome()

    def on_deactivate(self, state):
        """Stop listening, end the item in work."""
        self._stop()
        return super().on_deactivate(state)

    def on_cleanup(self, state):
        """Forget detector and model."""
        self._unload()
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state):
        """Stop from any state."""
        self._stop()
        return TransitionCallbackReturn.SUCCESS

    def on_error(self, state):
        """After a transition that broke: stop, and be unconfigured, to be mended."""
        self._stop()
        self._unload()
        return TransitionCallbackReturn.SUCCESS

    def destroy_node(self):
        """Stop the worker before what it publishes on goes away."""
        if self._is_made:  # from Kilted on, rclpy destroys nodes that failed in their making too
            self._stop()
        super().destroy_node()

    @contextmanager
    def _transition(self, aim):
        """What is raised within becomes one line, and the transition's failure."""
        outcome = [TransitionCallbackReturn.SUCCESS]
        try:
            yield lambda: outcome[0]
            self._health.failure = ""
        except Exception as error:  # rcl has kinds of its own for topics and QoS that it refuses
            self._stop()
            known = isinstance(error, (LoadError, ModelError)) or type(error) is RuntimeError
            reason = f"not {aim}: {error if known else one_line(error)}"
            self._health.failure = reason
            self._health.error(reason)
            self.get_logger().error(reason)
            if self._values.exit_on_failure:
                self.exit_status = 1
                self._give_up.trigger()  # in a moment: first, whoever asked gets his answer
            outcome[0] = TransitionCallbackReturn.FAILURE

    def _unload(self):
        self._health.failure = self._health.reload_failure = ""
        self._engine = None

    def _stop(self):
        self._era += 1
        self._health.forgotten += 1
        if not self._worker.stop(HANGS):
            # Its thread may have begun just now, and may still be in there, or hold the lock.
            self._era += 1
            self._engine, self._going_out = None, threading.Lock()
            self._health.error("processing an image hung; it was abandoned")
        self._close()
        self._forget()

    # Executor's thread

    def _follow_parameters(self):
        """Take up the parameters that may change, now and whenever they do."""
        self._is_made = True
        self._apply_live()
        self.add_post_set_parameters_callback(lambda _: self._apply_live())

    def _apply_live(self):
        self._values = values = read(self, self._table, self._kind)
        self._worker.call("tune", lambda: self._tune(values))

    @contextmanager
    def _between_results(self):
        """No result goes out meanwhile, unless one hangs in there."""
        held = self._going_out.acquire(timeout=PUBLISHING)
        try:
            yield
        finally:
            if held:
                self._going_out.release()

    def _reset(self, request, response):
        """Forget all faces, from this call on: what the item in work says is thrown away."""
        self._era += 1
        self._health.forgotten += 1
        with self._between_results():
            self._forget()
        response.success, response.message = True, "faces and smoothing forgotten"
        return response

    def _report(self) -> DiagnosticStatus:
        """Tell /diagnostics how things stand, and the log what is new of it."""
        situation = Situation(
            self.get_fully_qualified_name(),
            self._state_machine.current_state[1],  # rclpy has no other way to ask
            busy=self._worker.busy(),
            **self._simulated_time(),
        )
        situation, facts, problems = self._describe(situation)
        counts = self._worker.counts()
        limits = self._limits()
        report, problems = status(situation, self._health, counts, limits, problems, **facts)
        message = DiagnosticArray(status=[report])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)
        self._announcements.take(problems)
        return report

    def _simulated_time(self) -> dict[str, Any]:
        """What is known of /clock, where that gives the time."""
        if not self.get_parameter("use_sim_time").value:
            return {}
        before, self._last_time = self._last_time, self.get_clock().now().nanoseconds
        # What gives the time may be started beside this node, and later.
        is_young = time.monotonic() - self._made_at < CLOCK_PATIENCE
        is_given = is_young or self.count_publishers("/clock") > 0
        return {
            "is_simulated": True,
            "clock_missing": not (self._last_time or is_given),
            "is_paused": is_given and self._last_time == before,
        }

    # Any thread

    def _leave_out(self, error: Exception) -> None:
        """Count an item that is lost by an error, and log the first of a kind."""
        self._log_error(self.item, error, self._health.failed)

    def _log_error(self, what: str, error: Exception, count: Callable[[str], bool]) -> None:
        reason = one_line(error)
        # Unless told to end in the middle of an item.
        if self.context.ok() and count(reason):
            self.get_logger().error(f"{what} left out: {reason}")
