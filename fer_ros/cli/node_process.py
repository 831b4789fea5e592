# SPDX-License-Identifier: Apache-2.0
"""A node of this package as a process of its own, ended with certainty."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

from fer_ros.runtime.child import python_command, safe_environment

_LOG_PREFIX = re.compile(r"^\[\w+\] \[[\d.]+\] \[[\w./]+\]: ")


def module_of(node: str) -> str:
    """The module that runs a node, by the node's name."""
    return "fer_ros.web.node" if node == "web_view" else f"fer_ros.nodes.{node}"


class NodeProcess:
    """Starts a node by its name in a namespace with parameters, its output going to ``<name>.log``.

    A context manager: at its end the node has stopped. Raises OSError when the log cannot be
    written.
    """

    def __init__(
        self, name: str, parameters: dict[str, object], folder: Path, namespace: str = "/"
    ):
        self.name = name
        self.log = folder / f"{name}.log"
        # The password of a stream is not for the command, which all users of the machine may read,
        # nor for a file, which would stay behind where this process is killed.
        with (
            self.log.open("wb") as log,
            os.fdopen(os.memfd_create("parameters"), "wb") as file,
        ):
            file.write(json.dumps({"/**": {"ros__parameters": parameters}}).encode())  # is YAML
            file.flush()
            given = ("--params-file", f"/proc/self/fd/{file.fileno()}")
            words = ("--ros-args", "-r", f"__ns:={namespace}", *given)
            # A session of its own: Ctrl-C reaches the caller alone, which stops its nodes in turn.
            self._process = subprocess.Popen(
                python_command(module_of(name), *words),
                stdin=subprocess.DEVNULL,
                env=safe_environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(file.fileno(),),
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """The exit status, None while it runs."""
        return self._process.poll()

    def has_said(self, words: str) -> bool:
        """Whether that stands in its log."""
        return words in self.log.read_text(errors="replace")

    def last_line(self) -> str:
        """The last line of the log, without ROS's time and name before it."""
        lines = self.log.read_text(errors="replace").split("\n")
        written = [line for line in lines if line.strip()]
        return _LOG_PREFIX.sub("", written[-1]).strip() if written else "it logged nothing"

    def stop(self, patience: float = 5.0) -> int:
        """Ask it to end, insist after ``patience`` seconds; returns the exit status."""
        for ask in (signal.SIGINT, signal.SIGTERM):
            if self._process.poll() is None:
                self._process.send_signal(ask)
                try:
                    return self._process.wait(patience)
                except subprocess.TimeoutExpired:
                    continue
        self._process.kill()
        return self._process.wait()
