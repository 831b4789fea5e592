# SPDX-License-Identifier: Apache-2.0
"""Parameters of emotion_node from words of a command line and from ROS parameter files."""

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from fer_ros.parameters import (
    ANALYSIS,
    EMOTION_NODE,
    EXPRESSION_NODE,
    VIDEO_SOURCE,
    WEB_VIEW,
    AnalysisOptions,
    analysis_options,
)
from fer_ros.parameters.parameter import ParameterError, unknown
from fer_ros.runtime.parameter_files import nodes_in, parameters_in
from fer_ros.runtime.settings_files import SettingsError, load, yaml

OF_RCLPY = ("qos_overrides.", "use_sim_time", "start_type_description_service")
"""Beginnings of the names that rclpy declares by itself, sooner or later."""


Log = Callable[[str], None]


def _say(line: str) -> None:
    print(f"fer_ros: {line}", file=sys.stderr)


def options_from(
    words: Iterable[str], start: AnalysisOptions | None = None, log: Log = _say
) -> AnalysisOptions:
    """``start``, or the defaults, with ``NAME=VALUE`` words or parameter files of emotion_node
    applied in their order.

    ``log`` is told what a file says under ``/**`` that is no parameter of any node here. Raises
    ParameterError.
    """
    values = vars(start or analysis_options()).copy()
    for word in words:
        name, equals, value = word.partition("=")
        values |= {name: value} if equals else _read_file(Path(word), log)
    return analysis_options(**values)


def _read_file(path: Path, log: Log) -> dict[str, object]:
    """The parameters of emotion_node in a ROS parameter file, those that count here."""
    values: dict[str, object] = {}
    try:
        nodes = list(nodes_in(load(path, yaml)))
        ours = [(name, dict(parameters_in(given))) for name, given in nodes if _is_ours(name)]
    except ImportError:
        raise ParameterError(f"{path}: pip install pyyaml, to read parameter files") from None
    except OSError as error:
        raise ParameterError(
            f"{path}: {error.strerror}: expected NAME=VALUE or a parameter file"
        ) from None
    except SettingsError as error:
        raise ParameterError(f"{path}: not a ROS parameter file: {error}") from None
    if not nodes:
        raise ParameterError(f"{path}: not a ROS parameter file of emotion_node: write /**")
    if not ours:
        keys = ", ".join(name for name, _ in nodes)
        raise ParameterError(f"{path}: its keys ({keys}) are not emotion_node's: write /**")
    for node, given in ours:
        values |= given
        for line in _unknown(node, given):
            if not node.endswith("*"):
                raise ParameterError(f"{path}: {line}")
            log(f"{path}: {line}")
    known = {row.name for row in ANALYSIS}
    return {name: value for name, value in values.items() if name in known}


def _is_ours(node: str) -> bool:
    return node.rpartition("/")[2] in ("emotion_node", "*", "**")


def _unknown(node: str, names: Iterable[str]) -> Iterator[str]:
    """A line for each name that is no parameter: of emotion_node, or of any node for ``/**``."""
    known = [row.name for row in EMOTION_NODE]
    if node.endswith("*"):
        known += [row.name for row in (*EXPRESSION_NODE, *VIDEO_SOURCE, *WEB_VIEW)]
    for name in names:
        if name not in known and not name.startswith(OF_RCLPY):
            yield unknown(name, known)
