# SPDX-License-Identifier: Apache-2.0
"""The benchmarks' processes: started with one environment, watched, ended with certainty."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

from fer_ros.cli.node_process import module_of
from fer_ros.runtime import dds

REPOSITORY = Path(__file__).resolve().parents[1]
PATIENCE = 600.0  # seconds; on a busy machine importing TensorFlow alone takes minutes
PEERS_PYTHON = REPOSITORY / ".venv-bench" / "bin" / "python"
LOGS = REPOSITORY / "out" / "bench"
DOMAIN = str(50 + os.getpid() % 50)  # apart from whatever else runs on this machine


class BenchmarkError(SystemExit):
    """A process did not do what it was started for: ends the benchmark with one line that says
    which, and where its log is.
    """


def environment(transport: str = "udp") -> dict[str, str]:
    """What every process runs in: a domain of its own, and the profile of "udp" with large socket
    buffers or of "shm", shared memory; "": Fast DDS as it is.
    """
    found = os.environ | {"ROS_DOMAIN_ID": DOMAIN, "PYTHONUNBUFFERED": "1"}
    # ROS's wheels set the library path once, guarded by this: each start is to pay for that.
    for variable in (*dds.PROFILE_VARIABLES, "_ROS_WHEELS_BOOTSTRAP_COMPLETE"):
        found.pop(variable, None)
    LOGS.mkdir(parents=True, exist_ok=True)
    return found | (
        dds.environment(transport, REPOSITORY / "config", LOGS, found) if transport else {}
    )


def node(name: str, **parameters) -> list[str]:
    """The command that starts one of our nodes."""
    command = [sys.executable, "-m", module_of(name), "--ros-args"]
    for key, value in parameters.items():
        command += ["-p", f"{key}:={json.dumps(value)}"]
    return command


emotion_node = partial(node, "emotion_node")


def script(name: str, *arguments, python=sys.executable) -> list[str]:
    """The command that starts another module of ``benchmarks/speed/``."""
    return [str(python), "-m", f"benchmarks.speed.{name}", *map(str, arguments)]


class Process:
    """A child process that may speak in lines of JSON; a context manager that ends it.

    `transport`: as in `environment`. What it says beside JSON goes to out/bench/<name>.log.
    """

    def __init__(self, name: str, command: list[str], transport: str = "udp"):
        self.name = name
        LOGS.mkdir(parents=True, exist_ok=True)
        self.log = LOGS / f"{self.name}.log"
        with self.log.open("ab") as log:
            self.started = time.time()
            self._child = subprocess.Popen(
                command,
                cwd=REPOSITORY,
                env=environment(transport),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        self.said: list[dict] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def wait_for(self, event: str, *needed: "Process", patience: float = PATIENCE) -> dict:
        """The line of JSON whose "event" this is.

        Raises BenchmarkError when it does not come within `patience` seconds, or when this process
        or a `needed` one ends before.
        """
        end = time.monotonic() + patience
        while time.monotonic() < end:
            gone = [p for p in (self, *needed) if p.ended()]
            if found := self.heard(event):
                return found
            if gone:
                raise BenchmarkError(f"{gone[0].name} has ended; see {gone[0].log}")
            time.sleep(0.02)
        raise BenchmarkError(f"{self.name} did not say {event!r}; see {self.log}")

    def heard(self, event: str) -> dict | None:
        """The first line of JSON with this "event" so far."""
        return next((line for line in self.said if line.get("event") == event), None)

    def ended(self) -> bool:
        """Whether it has ended, and all that it said has been read."""
        return self._child.poll() is not None and not self._reader.is_alive()

    def ask_to_end(self) -> None:
        """Close its standard input."""
        self._child.stdin.close()

    def cpu_seconds(self) -> float:
        """User and system time so far."""
        return sum(self._proc("stat", r"\) (?:\S+ ){11}(\d+) (\d+)")) / os.sysconf("SC_CLK_TCK")

    def resident(self) -> float:
        """Resident memory, MB."""
        return self._proc("status", r"VmRSS:\s+(\d+)")[0] * 1024 / 1e6

    def peak_resident(self) -> float:
        """The most resident memory it ever had, MB."""
        return self._proc("status", r"VmHWM:\s+(\d+)")[0] * 1024 / 1e6

    def threads(self) -> int:
        """How many threads it has."""
        return self._proc("status", r"Threads:\s+(\d+)")[0]

    def stop(self) -> int:
        """Ask it to end, insist after a while; returns its exit status."""
        for ask in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            if self._child.poll() is not None:
                break
            self._child.send_signal(ask)
            try:
                self._child.wait(5)
            except subprocess.TimeoutExpired:
                continue
        self._reader.join(2)
        return self._child.wait()

    def _proc(self, file: str, pattern: str) -> list[int]:
        """The numbers that `pattern` finds in /proc/<pid>/<file>; BenchmarkError once ended."""
        with contextlib.suppress(OSError):
            if found := re.search(pattern, Path(f"/proc/{self._child.pid}/{file}").read_text()):
                return [int(number) for number in found.groups()]
        raise BenchmarkError(f"{self.name} has ended; see {self.log}")

    def _read(self):
        for line in self._child.stdout:
            try:
                self.said.append(json.loads(line))
            except ValueError:
                continue
