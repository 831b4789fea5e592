# SPDX-License-Identifier: Apache-2.0
"""How the executables start, and how they take SIGINT and SIGTERM from their first moment on.

A node ends with 0, a command with 128 + the signal's number: 130, 143. SIGHUP and the first SIGQUIT
are as SIGTERM. What takes long is imported here, once signals are obeyed; so this module imports
nothing but the standard library.
"""

import atexit
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from pathlib import Path

ROOT = str(Path(__file__).resolve().parents[1])
"""Where this package lies."""
PATIENCE = 1.5
"""Seconds that a node has for its end, from where Python hears of the signal."""

_received: list[int] = []
_held = 0  # how many parts that are to come to their end are at work


def received() -> int:
    """The first signal since it was said what signals do; 0: none."""
    return _received[0] if _received else 0


def leave_at_once(status: int | None = None) -> None:
    """From now on a signal ends the process, with 128 + its number unless a status is given.

    For when there is nothing to clean up: imports, and the interpreter's own end. An exception
    would come out of them as a traceback.
    """
    _handle(lambda number, _: os._exit(128 + number if status is None else status))


def interrupt() -> None:
    """From now on the first signal is a KeyboardInterrupt; more cannot disturb the cleaning up."""
    _received.clear()
    sys.unraisablehook = _try_again
    _handle(_stop)


def note(then: Callable[[], object] = lambda: None) -> None:
    """From now on the first signal is only noted, for ``received``, and calls ``then``."""

    def take(number, _):
        _received.append(number)
        if len(_received) == 1:
            then()

    _received.clear()
    _handle(take)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """What is within comes to its end, where ``interrupt`` was called; the interrupt follows it."""
    global _held
    before = received()
    _held += 1
    try:
        yield
    finally:
        _held -= 1
        if received() and not before and not _held and signal.getsignal(signal.SIGINT) == _stop:
            raise KeyboardInterrupt


@contextmanager
def undisturbed_children() -> Iterator[None]:
    """What is started within never hears of Ctrl-C, which reaches every process of a terminal: who
    started it ends it. Here it takes effect afterwards.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _stop(number, _) -> None:
    _received.append(number)
    if len(_received) == 1 and not _held:
        raise KeyboardInterrupt


def _handle(handler) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


def _terminate(number, _) -> None:
    if number == signal.SIGQUIT:  # a second Ctrl-\ is for a process that does not come to its end
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)


def _try_again(unraisable) -> None:
    """Where Python drops an exception, such as in a destructor, the interrupt comes anew."""
    if unraisable.exc_type is KeyboardInterrupt and _received:
        number = _received[0]
        _received.clear()
        threading.Timer(0.01, os.kill, (os.getpid(), number)).start()
    else:
        sys.__unraisablehook__(unraisable)


def _leave_out_current_folder() -> None:
    """``python -m`` looks there first, where the recordings are: what lies beside them is data."""
    with suppress(OSError):  # of a folder that is gone
        if sys.path[0] in ("", str(Path.cwd())) and sys.path[0] != ROOT:
            del sys.path[0]


def _begin(status: int | None) -> None:
    leave_at_once(status)
    # A terminal that is closed, and Ctrl-\, end what runs there as SIGTERM does, unless nohup or
    # another parent has them ignored.
    for number in (signal.SIGHUP, signal.SIGQUIT):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _terminate)
            atexit.register(signal.signal, number, signal.SIG_IGN)
    _leave_out_current_folder()
    # Last of all: then Python takes its handlers back, and a signal would be the process's end.
    atexit.register(_handle, signal.SIG_IGN)


def _nobody_reads() -> int:
    """The status where standard output is closed, as by ``| head``: that of SIGPIPE."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what waits would fail again at Python's end
    return 128 + signal.SIGPIPE


def _node(module: str) -> int:
    _begin(0)
    try:
        status = import_module(module).main()
        sys.stdout.flush()
    except BrokenPipeError:
        status = _nobody_reads()
    leave_at_once(status)
    return status


def command(module: str, function: str = "main") -> int:
    """Import a module and run its function; the status that the process is to end with."""
    _begin(None)
    try:
        status = getattr(import_module(module), function)()
        sys.stdout.flush()
    except BrokenPipeError:
        status = _nobody_reads()
    except BaseException:  # C code makes errors of its own of an interrupt
        if not received():
            raise
        status = 130
    # An interrupt may have passed for a fault; what was only noted has not.
    passed = status and signal.getsignal(signal.SIGINT) == _stop
    if received() and (status == 130 or passed):
        status = 128 + received()
    leave_at_once(status)
    return status


emotion_node = partial(_node, "fer_ros.nodes.emotion_node")
expression_node = partial(_node, "fer_ros.nodes.expression_node")
video_source = partial(_node, "fer_ros.nodes.video_source")
web_view = partial(_node, "fer_ros.web.node")
view = partial(command, "fer_ros.cli.view")
demo = partial(command, "fer_ros.cli.demo")
evaluate_bag = partial(command, "fer_ros.cli.evaluate_bag")
evaluate_bags = partial(command, "fer_ros.cli.evaluate_bags")
record = partial(command, "fer_ros.cli.record")
predict = partial(command, "fer_ros.cli.predict")
