# SPDX-License-Identifier: Apache-2.0
"""A file from elsewhere is tried in an interpreter of its own before this process loads it.

The libraries that run networks die of files that are damaged or made to harm: a segmentation fault,
an endless loop, all memory. The child opens the very bytes that the parent will load and runs them;
only what it survives within its limits is loaded here. ``python -m`` of this module is the child.
"""

import contextlib
import hashlib
import importlib
import json
import logging
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from fer_ros.inference.network import NetworkError, first_line
from fer_ros.inference.shipped import SHIPPED
from fer_ros.runtime.child import python_command, safe_environment

MAX_BYTES = 500_000_000
"""Larger files are refused."""
PATIENCE = 20.0  # seconds that a trial may take, of the clock and of CPU time
MEMORY = 4 << 30  # bytes of address space
KERAS = {"seconds": 120.0, "memory": 24 << 30}  # TensorFlow reserves much, and takes its time
SURVIVED = "FER_ROS_SURVIVED"
"""Environment variable: what has been tried here, for the processes that this one starts."""

_OURS = frozenset(SHIPPED.values())
_refused: dict[str, str] = {}
_log = logging.getLogger("fer_ros")


def read_file(path: Path) -> bytes:
    """The bytes of a model file, compared with the sum in ``FILE.sha256`` beside it where there is
    one: ``sha256sum FILE > FILE.sha256`` writes it.

    Raises NetworkError.
    """
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise NetworkError(f"{path}: a folder, a pipe or a device, not a file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        if not path.is_file():
            raise NetworkError(f"no file {path}") from None
        raise NetworkError(f"{path}: {getattr(error, 'strerror', '') or error}") from None
    if len(data) > MAX_BYTES:
        raise NetworkError(f"{path}: over {MAX_BYTES} bytes, too large for a model")
    _check_sum(path, data)
    return data


def prove(path: Path, data: bytes, function: str, *arguments, seconds=PATIENCE, memory=MEMORY):
    """Let a child call ``function`` with a file's bytes, unless the file is one of ours, or has
    been tried so before by this process or the one that started it.

    Args:
        path: the file's name, for messages.
        data: its bytes.
        function: ``module:name``; called with the bytes and ``arguments``.
        arguments: plain values.
        seconds: that it may take.
        memory: bytes of address space that the child may have.

    Raises:
        NetworkError: it raised something, died, or did not come to an end; one line.
    """
    digest = hashlib.sha256(data).hexdigest()
    if digest in _OURS:
        return
    job = json.dumps([function, *arguments])
    key = hashlib.sha256(f"{digest} {job}".encode()).hexdigest()[:32]
    if key in os.environ.get(SURVIVED, "").split():
        return
    if key not in _refused:
        began = time.monotonic()
        verdict, is_final = _verdict(data, job, seconds, memory)
        took = time.monotonic() - began
        _log.info("%s does not come with fer_ros: tried in another process, %.1f s", path, took)
        if not verdict:
            os.environ[SURVIVED] = f"{os.environ.get(SURVIVED, '')} {key}".strip()
            return
        if not is_final:  # a machine under load, perhaps
            raise NetworkError(f"{path}: {verdict}")
        _refused[key] = verdict
    raise NetworkError(f"{path}: {_refused[key]}")


@contextlib.contextmanager
def as_file(data: bytes, suffix: str) -> Iterator[str]:
    """A file of these bytes that no other user can change, for a library that takes a path alone.

    Raises NetworkError where none can be written.
    """
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(tempfile.NamedTemporaryFile(prefix="fer_", suffix=suffix))
            file.write(data)
            file.flush()
        except OSError as error:
            where = tempfile.gettempdir()
            raise NetworkError(f"cannot write to {where}: {error.strerror}") from None
        yield file.name


def _check_sum(path: Path, data: bytes) -> None:
    beside = path.with_name(f"{path.name}.sha256")
    if not beside.is_file():
        return
    try:
        with beside.open("rb") as file:
            expected = file.read(64).decode("ascii").lower()
    except (OSError, UnicodeDecodeError) as error:
        raise NetworkError(f"{beside}: {error}") from None
    if (found := hashlib.sha256(data).hexdigest()) != expected:
        raise NetworkError(
            f"{path}: sha256 {found[:8]}... is not the {expected[:8]}... of {beside.name}: "
            "damaged, or another file's sum"
        )


def _verdict(data: bytes, job: str, seconds: float, memory: int) -> tuple[str, bool]:
    """What is wrong with the bytes, empty when nothing, and whether that is sure."""
    command = python_command(__name__, job, str(seconds), str(memory + 4 * len(data)))
    # One thread: each more would ask for address space of its own. Freed memory is filled with
    # noise, so that what reads beyond its own falls over here.
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    environment = {**safe_environment(), **one, "MALLOC_PERTURB_": "165"}
    try:
        # What a child that dies has written goes with the folder.
        with tempfile.TemporaryDirectory(prefix="fer_") as folder:
            done = subprocess.run(
                command,
                input=data,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**environment, "TMPDIR": folder},
                timeout=seconds,
                check=False,
            )
    except subprocess.TimeoutExpired:
        return f"the process that tried it did not end within {seconds:g} s: not loaded", False
    except OSError as error:
        return f"cannot be tried in another process: {error.strerror}", False
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        return f"brought the process that tried it down ({name}): damaged, not loaded", True
    lines = done.stdout.decode(errors="replace").splitlines()
    if done.returncode or not lines:
        return f"the process that tried it ended with {done.returncode}: not loaded", True
    return "" if lines[-1] == "ok" else lines[-1], True


def main() -> int:
    """The child: bytes by standard input, job and limits by arguments, one line as the answer."""
    job, seconds, memory = sys.argv[1:]
    for kind, limit in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, int(float(seconds)) + 1),
        (resource.RLIMIT_AS, int(memory)),
        (resource.RLIMIT_FSIZE, 2 * MAX_BYTES),
    ):
        _, most = resource.getrlimit(kind)
        allowed = limit if most == resource.RLIM_INFINITY else min(limit, most)
        resource.setrlimit(kind, (allowed, allowed))
    data = sys.stdin.buffer.read()
    answer = os.fdopen(os.dup(1), "w", errors="backslashreplace")
    os.dup2(2, 1)  # whatever the libraries print
    function, *arguments = json.loads(job)
    module, _, name = function.partition(":")
    try:
        getattr(importlib.import_module(module), name)(data, *arguments)
    except Exception as error:
        print(first_line(error), file=answer, flush=True)
    else:
        print("ok", file=answer, flush=True)
    os._exit(0)  # what the libraries do at their end is of no interest


if __name__ == "__main__":
    sys.exit(main())
