# SPDX-License-Identifier: Apache-2.0
"""What every way of running a network gives."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten

import numpy as np

from fer_ros.lines import LineError


class NetworkError(LineError, RuntimeError):
    """A model file cannot be run; the message is one line."""


Function = Callable[[np.ndarray], list[np.ndarray]]


@dataclass(frozen=True)
class Signature:
    """What a network's one input takes: its shape, 0 where a side is left open, and type."""

    shape: tuple[int, ...]
    dtype: str = "float32"


@dataclass(frozen=True)
class Network:
    """A model file that can be run.

    Attributes:
        path: the file.
        backend: what runs it.
        entry: what its input takes.
        function: the input's array to the arrays of all outputs; may raise anything.
        sha256: of the bytes that were loaded, hexadecimal.
    """

    path: Path
    backend: str
    entry: Signature
    function: Function
    sha256: str = ""

    def __call__(self, values: np.ndarray) -> list[np.ndarray]:
        """The arrays of every output, fewest values first.

        Raises:
            NetworkError: the network does not take these values.
        """
        try:
            outputs = self.function(values)
        except Exception as error:  # each library has errors of its own
            problem = f"{self.path}: does not take its input: {first_line(error)}"
            raise NetworkError(problem) from None
        return sorted(outputs, key=lambda output: output.size) if len(outputs) > 1 else outputs


def first_line(error: Exception) -> str:
    """What an error of a library says, in one line of at most 300 characters: Keras says the whole
    network in one.
    """
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return shorten(line, 300, placeholder=" ...")
