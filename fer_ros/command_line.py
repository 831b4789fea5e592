# SPDX-License-Identifier: Apache-2.0
"""Numbers and paths on a command line."""

import argparse
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def number(kind: type, low: float, high: float = 1e9) -> Callable[[str], float]:
    """A ``type`` for argparse: ``kind``, int or float, from ``low`` to ``high``, both included."""

    def parse(text: str) -> float:
        with suppress(ValueError):
            value = kind(text)
            if low <= value <= high:
                return value
        what = "a whole number" if kind is int else "a number"
        raise argparse.ArgumentTypeError(f"{text}: expected {what}, {low:g} to {high:g}")

    return parse


def to_path(text: str) -> Path:
    """A ``type`` for argparse: a path. The empty one, as of a variable without a value, is none:
    it would be the current folder.
    """
    if not text:
        raise argparse.ArgumentTypeError("expected a file or a folder, got an empty name")
    return Path(text)
