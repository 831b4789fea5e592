# SPDX-License-Identifier: Apache-2.0
"""Numbers and parameters on a command line."""

import argparse
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import yaml

from fer_ros.settings import PIPELINE, Settings, SettingsError


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


def settings_of(words: Iterable[str], start: Settings | None = None) -> Settings:
    """``start``, or the defaults, with ``NAME=VALUE`` words or parameter files of emotion_node
    applied in their order. Raises SettingsError.
    """
    values = vars(start or Settings()).copy()
    for word in words:
        name, equals, value = word.partition("=")
        values |= {name: value} if equals else _read_file(Path(word))
    return Settings(**values)


def _read_file(path: Path) -> dict[str, object]:
    """The parameters of emotion_node in a ROS parameter file, those that count here."""
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
        nodes = [v for k, v in content.items() if k.rpartition("/")[2] in ("emotion_node", "**")]
        values = {k: v for node in nodes for k, v in node["ros__parameters"].items()}
    except OSError as error:
        raise SettingsError(
            f"{path}: {error.strerror}: expected NAME=VALUE or a parameter file"
        ) from None
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, UnicodeDecodeError):
        raise SettingsError(f"{path}: not a ROS parameter file of emotion_node") from None
    known = {s.name for s in PIPELINE}
    return {name: value for name, value in values.items() if name in known}
