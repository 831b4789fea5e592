# SPDX-License-Identifier: Apache-2.0
"""Parameter files that rcl reads and drops without a word, since no key in them is the node's."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from fer_ros.runtime.settings_files import SettingsError, load, yaml

LEAF = "ros__parameters"


def nodes_in(content: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """The names of nodes in a parameter file's content, as written, namespaces joined by ``/``, and
    what stands there for parameters.
    """
    for key, value in content.items() if isinstance(content, Mapping) else ():
        name = f"{above}/{key}" if above else str(key)
        if isinstance(value, Mapping) and LEAF in value:
            yield name, value[LEAF]
        elif key != LEAF:
            yield from nodes_in(value, name)


def parameters_in(content: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Names and values of parameters: ``a: {b: 1}`` is ``a.b``. Raises SettingsError."""
    if not isinstance(content, Mapping):
        raise SettingsError(f"{above or LEAF} has no names with values")
    for key, value in content.items():
        name = f"{above}.{key}" if above else str(key)
        if isinstance(value, Mapping):
            yield from parameters_in(value, name)
        else:
            yield name, value


def matches(key: str, node: str) -> bool:
    """Whether a key is a node's: ``*`` stands for one part of its full name, ``**`` for any."""
    pattern = re.escape(f"/{key.lstrip('/')}")
    pattern = pattern.replace(r"/\*\*", "(/[^/]+)*").replace(r"\*", "[^/]+")
    return re.fullmatch(pattern, node) is not None


def dropped_files(
    arguments: Sequence[str], node: str, other_nodes: Collection[str] = ()
) -> Iterator[str]:
    """A line for each parameter file that says nothing to a node.

    Args:
        arguments: those of the process.
        node: its full name.
        other_nodes: names without namespace: a file of theirs that does not name this one is
            passed over, as a launch file gives one to all its nodes.
    """
    for option, path in pairwise(arguments):
        if option != "--params-file":
            continue
        try:
            keys = [key for key, _ in nodes_in(load(Path(path), yaml))]
        except (OSError, SettingsError):
            continue  # rcl says so
        names, name = {key.rpartition("/")[2] for key in keys}, node.rpartition("/")[2]
        if name not in names and names & set(other_nodes):
            continue
        if keys and not any(matches(key, node) for key in keys):
            yield (
                f"{path} is dropped: its keys ({', '.join(keys)}) are those of other nodes; this "
                f"one is {node}: write {node} or /**/{name}"
            )
