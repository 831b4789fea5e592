# SPDX-License-Identifier: Apache-2.0
"""YAML, JSON and TOML that somebody else wrote: whatever is in it, what is wrong is one line."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from fer_ros.lines import fault

MAX_BYTES = 4 << 20
MAX_DEPTH = 50
MAX_VALUES = 100_000
"""Few bytes of YAML that refer to each other make any number of values."""


class SettingsError(ValueError):
    """A file, or a text, that is not what it should be; the message is one line that says why."""


def load(path: Path, parse: Callable[[str], Any], max_bytes: int = MAX_BYTES) -> Any:
    """What ``parse``, such as ``json.loads``, makes of a file in UTF-8, with a BOM or without.

    Raises OSError; SettingsError for a file over ``max_bytes`` and as ``parsed`` does.
    """
    with Path(path).open("rb") as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise SettingsError(f"too large: over {max_bytes} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError(f"not in UTF-8: {error}") from None
    return parsed(text, parse)


def parsed(text: str, parse: Callable[[str], Any]) -> Any:
    """What ``parse`` makes of a text.

    Raises SettingsError for whatever the parser raises, and for values that are nested over
    MAX_DEPTH or more than MAX_VALUES.
    """
    try:
        return _checked(parse(text))
    except RecursionError:
        raise SettingsError("nested too deeply") from None
    except (MemoryError, ImportError):
        raise
    except Exception as error:  # of a date that is none, a number of 5000 digits, a tag
        raise SettingsError(fault(error)) from None


def yaml(text: str) -> Any:
    """What a text in YAML holds, as ``load`` wants a parser. Raises whatever the text makes PyYAML
    raise; ImportError where that is not installed.
    """
    from yaml import SafeLoader, load

    class Loader(SafeLoader):
        def fetch_flow_collection_start(self, token):
            if self.flow_level > MAX_DEPTH:  # beyond, PyYAML takes seconds
                raise SettingsError("nested too deeply")
            super().fetch_flow_collection_start(token)

        def flatten_mapping(self, node):
            super().flatten_mapping(node)
            if len(node.value) > MAX_VALUES:  # << of what is itself made of <<
                raise SettingsError(f"over {MAX_VALUES} values")

    return load(text, Loader)


def _checked(content: Any) -> Any:
    """The content, unless it holds too much. Raises SettingsError."""
    waiting, count = [(content, 0)], 0
    while waiting:
        value, depth = waiting.pop()
        count += 1
        if depth > MAX_DEPTH:
            raise SettingsError("nested too deeply")
        if count > MAX_VALUES:
            raise SettingsError(f"over {MAX_VALUES} values")
        within: Iterable = value.values() if isinstance(value, dict) else ()
        within = value if isinstance(value, list | tuple | set) else within
        waiting += [(each, depth + 1) for each in within]
    return content
