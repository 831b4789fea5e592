# SPDX-License-Identifier: Apache-2.0
"""Launch arguments as rows of a table: name, default (None: to be given), choices, description."""

import difflib
import os
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from launch.actions import DeclareLaunchArgument
from launch.substitutions import LaunchConfiguration
from launch_ros.utilities import make_namespace_absolute, prefix_namespace

Row = tuple[str, str | None, Sequence[str] | None, str]

BOOL = ("true", "false", "True", "False")
"""As launch files in XML and YAML write them, and as those in Python do; read as the former."""

FILES = ("bag", "params_file", "record_to")
"""Whose values may begin with ~: no shell replaces it behind :=, nor does a launch file. Models are
the node's to find.
"""


def declare(row: Row) -> DeclareLaunchArgument:
    """The launch argument of a row."""
    name, default, choices, description = row
    # No choices stand for any value; an empty list would allow none.
    options = {"default_value": default, "choices": list(choices) if choices else None}
    return DeclareLaunchArgument(name, description=description, **options)


def values(context, rows: Sequence[Row]) -> dict[str, str]:
    """What the arguments are, by name."""
    found = {row[0]: LaunchConfiguration(row[0]).perform(context) for row in rows}
    switches = {name for name, _, choices, _ in rows if set(BOOL) <= set(choices or ())}
    read = dict.fromkeys(switches, str.lower) | dict.fromkeys(FILES, os.path.expanduser)
    return {k: read.get(k, str)(v) for k, v in found.items()}


def namespace(context, given: str) -> str:
    """That of nodes whose argument ``namespace`` is ``given``: absolute, and within that of the
    group in which the file is included.
    """
    within = context.launch_configurations.get("ros_namespace")
    return make_namespace_absolute(prefix_namespace(within, given))


def check(context, file: Path, known: Sequence[Row]) -> None:
    """Refuse what the command line gives and nobody declares, when it names this very file: where
    another file includes it, the arguments are that one's. Raises RuntimeError.
    """
    words = sys.argv
    by_package = ("fer_ros", file.name) in pairwise(words)
    paths = (w for w in words if w.endswith(file.name) and Path(w).is_file())
    if not by_package and not any(map(file.samefile, paths)):
        return
    names = [row[0] for row in known]
    for name in (word.partition(":=")[0] for word in context.argv if ":=" in word):
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            hint = f"did you mean {near[0]}?" if near else "see --show-args"
            raise RuntimeError(f"unknown launch argument {name}: {hint}")
