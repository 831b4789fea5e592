# SPDX-License-Identifier: Apache-2.0
"""Parameters of emotion_node from words of a command line and from ROS parameter files."""

from collections.abc import Iterable
from pathlib import Path

from fer_ros.parameters import ANALYSIS, EMOTION_NODE, AnalysisOptions, analysis_options
from fer_ros.parameters.parameter import ParameterError, unknown

OF_RCLPY = ("qos_overrides.", "use_sim_time", "start_type_description_service")
"""Beginnings of the names that rclpy declares by itself, sooner or later."""


def options_from(words: Iterable[str], start: AnalysisOptions | None = None) -> AnalysisOptions:
    """``start``, or the defaults, with ``NAME=VALUE`` words or parameter files of emotion_node
    applied in their order. Raises ParameterError.
    """
    values = vars(start or analysis_options()).copy()
    for word in words:
        name, equals, value = word.partition("=")
        values |= {name: value} if equals else _read_file(Path(word))
    return analysis_options(**values)


def _read_file(path: Path) -> dict[str, object]:
    """The parameters of emotion_node in a ROS parameter file, those that count here."""
    try:
        import yaml
    except ImportError:
        raise ParameterError(f"{path}: pip install pyyaml, to read parameter files") from None
    values: dict[str, object] = {}
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
        nodes = {key: node["ros__parameters"] for key, node in content.items() if _is_ours(key)}
        if not nodes:
            keys = ", ".join(map(str, content))
            raise ParameterError(f"{path}: its keys ({keys}) are not emotion_node's: write /**")
        for key, given in nodes.items():
            values |= given
            if not key.endswith("*"):  # else they may be another node's too
                _check_names(path, given)
    except OSError as error:
        raise ParameterError(
            f"{path}: {error.strerror}: expected NAME=VALUE or a parameter file"
        ) from None
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, UnicodeDecodeError):
        raise ParameterError(f"{path}: not a ROS parameter file of emotion_node") from None
    known = {row.name for row in ANALYSIS}
    return {name: value for name, value in values.items() if name in known}


def _is_ours(key: str) -> bool:
    return key.rpartition("/")[2] in ("emotion_node", "*", "**")


def _check_names(path: Path, names: Iterable[str]) -> None:
    known = [row.name for row in EMOTION_NODE]
    for name in names:
        if name not in known and not name.startswith(OF_RCLPY):
            raise ParameterError(f"{path}: {unknown(name, known)}")
