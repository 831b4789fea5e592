# SPDX-License-Identifier: Apache-2.0
"""One parameter of a node: all that is declared, checked and documented of it."""

import difflib
import math
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from fer_ros.lines import LineError

Value = bool | int | float | str
Options = TypeVar("Options")

SHOWN = 60  # characters of a refused value
TRUTH = {
    **dict.fromkeys(("true", "on", "yes", "1"), True),
    **dict.fromkeys(("false", "off", "no", "0"), False),
}
"""What the texts of a boolean mean, in any case."""
KINDS = {bool: "true or false", int: "a whole number", float: "a finite number", str: "a text"}


class ParameterError(LineError, ValueError):
    """A parameter that there is not, or a value that it cannot have; the message is one line."""


@dataclass(frozen=True)
class Parameter:
    """One parameter.

    Attributes:
        name: as in ROS.
        default: its type is the parameter's.
        description: what it does, understood alone; with the meaning of values such as -1.
        part: the dataclass of the part that takes it, which has a field of this name.
        unit: of its values; empty where they have none.
        range: inclusive; where it begins at -1, that stands for none of the kind: no limit, or
            what its owner thinks best.
        choices: all values that there are; empty where there are more.
        live: a change takes effect at the next image, else at the next configure.
        read_only: it can be given at the start alone.
        check: raises ValueError for a text that says nothing.
    """

    name: str
    default: Value
    description: str
    part: type
    unit: str = ""
    range: tuple[float, float] | None = None
    choices: tuple[Value, ...] = ()
    live: bool = False
    read_only: bool = False
    check: Callable[[Any], object] | None = None

    @property
    def described(self) -> str:
        """The description with the unit, as ``ros2 param describe`` and ``--help`` show it."""
        return f"{self.description} Unit: {self.unit}." if self.unit else self.description

    @property
    def is_switch(self) -> bool:
        """Whether one of its texts is ``off``, ``yes`` or the like, which YAML, and so ROS, reads
        as a truth value.
        """
        return any(choice in TRUTH for choice in self.choices if isinstance(choice, str))

    def meant(self, value: Any) -> Any:
        """What a value from YAML stands for: ``off`` where that was read as false."""
        if isinstance(value, bool):
            texts = (choice for choice in self.choices if isinstance(choice, str))
            return next((text for text in texts if TRUTH.get(text) is value), value)
        return value

    def checked(self, value: Any) -> Value:
        """``value``, a text or NumPy's kind of it, as the parameter's type; a path is a text.

        Raises:
            ParameterError: it is of another type, or not among what the parameter may be.
        """
        kind = type(self.default)
        if isinstance(value, np.generic):
            value = value.item()
        value = self.meant(value)
        try:
            result = _READ[kind](value)
        except (ValueError, OverflowError):
            raise self._error(value, f"expected {KINDS[kind]}") from None
        if self.choices and result not in self.choices:
            raise self._error(result, f"choose {', '.join(map(str, self.choices))}")
        if self.range and not self.range[0] <= result <= self.range[1]:
            raise self._error(result, "expected {} to {}".format(*self.range))
        try:
            if self.check:
                self.check(result)
        except ValueError as error:
            raise self._error(result, str(error)) from None
        return result

    def _error(self, value: Any, fault: str) -> ParameterError:
        try:
            text = " ".join(str(value).split())
        except ValueError:  # Python writes no whole number of thousands of digits
            text = "a number of thousands of digits"
        text = text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
        return ParameterError(f"{self.name}={text}: {fault}")


def _bool(value: Any) -> bool:
    if isinstance(value, str) and (known := TRUTH.get(value.strip().lower())) is not None:
        return known
    if isinstance(value, bool):
        return value
    raise ValueError


def _int(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value != value:
        raise ValueError
    if isinstance(value, float) and not value.is_integer():
        raise ValueError
    return int(value)


def _float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError
    if not math.isfinite(number := float(value)):
        raise ValueError
    return number


def _str(value: Any) -> str:
    if not isinstance(value, str | os.PathLike):
        raise ValueError
    return os.fspath(value)


_READ: Mapping[type, Callable[[Any], Any]] = {bool: _bool, int: _int, float: _float, str: _str}


def unknown(name: str, known: Collection[str]) -> str:
    """What to say of a parameter that there is not; by the most similar of those there are."""
    near = difflib.get_close_matches(name, known, 1)
    return f"no parameter {name}: " + (
        f"did you mean {near[0]}?" if near else f"choose {', '.join(known)}"
    )


def taken_by(part: type, table: Iterable[Parameter]) -> tuple[Parameter, ...]:
    """The rows of a table that a part, or one that it is made of, takes."""
    return tuple(row for row in table if issubclass(part, row.part))


def options_of(
    kind: type[Options], table: Iterable[Parameter], values: Mapping[str, Any]
) -> Options:
    """A part's options: the defaults of its rows of ``table``, changed by ``values``.

    Raises:
        ParameterError: a name that the part does not take, or a value that does not fit.
    """
    rows = {row.name: row for row in taken_by(kind, table)}
    for name in values:
        if name not in rows:
            raise ParameterError(unknown(name, rows))
    checked = {name: rows[name].checked(value) for name, value in values.items()}
    return kind(**{name: row.default for name, row in rows.items()} | checked)


def differences(options: object, table: Iterable[Parameter]) -> dict[str, Value]:
    """The values among a part's options that are not the default."""
    rows = taken_by(type(options), table)
    return {row.name: v for row in rows if (v := getattr(options, row.name)) != row.default}
