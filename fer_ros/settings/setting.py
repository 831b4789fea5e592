# SPDX-License-Identifier: Apache-2.0
"""One parameter of a node: all that is declared, checked and documented of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Value = bool | int | float | str


class SettingsError(ValueError):
    """A parameter that there is not, or a value that it cannot have; the message is one line."""


@dataclass(frozen=True)
class Setting:
    """One parameter.

    Attributes:
        name: as in ROS.
        default: its type is the parameter's.
        description: what it does, with its unit.
        range: inclusive; where it begins at -1, that stands for none of the kind: no limit, or
            what its owner thinks best.
        choices: all values that there are; empty where there are more.
        live: a change takes effect at the next image, else at the next configure.
        read_only: it can be given at the start alone.
        formerly: a name that it had, still taken at the start.
        check: raises ValueError for a text that says nothing.
    """

    name: str
    default: Value
    description: str
    range: tuple[float, float] | None = None
    choices: tuple[Value, ...] = ()
    live: bool = False
    read_only: bool = False
    formerly: str = ""
    check: Callable[[Any], object] | None = None

    def fault(self, value: Any) -> str:
        """What speaks against a value that has the right type and lies in range; else empty."""
        if self.choices and self.meant(value) not in self.choices:
            return f"choose {', '.join(map(str, self.choices))}"
        try:
            if self.check:
                self.check(value)
        except ValueError as error:
            return str(error)
        return ""

    @property
    def is_switch(self) -> bool:
        """Whether ``off`` is one of its texts, which YAML, and so ROS, reads as false."""
        return "off" in self.choices

    def meant(self, value: Any) -> Any:
        """What a value from YAML stands for: ``off`` where that was read as false."""
        return "off" if self.is_switch and value is False else value

    def checked(self, value: Any) -> Value:
        """``value``, or a text of it, as the parameter's type.

        Raises:
            SettingsError: it is of another type, or not among what the parameter may be.
        """
        value = self.meant(value)
        kind = type(self.default)
        try:
            value = kind(value)
        except (TypeError, ValueError):
            raise SettingsError(f"{self.name}={value}: expected {kind.__name__}") from None
        if fault := self.fault(value):
            raise SettingsError(f"{self.name}={value}: {fault}")
        if self.range and not self.range[0] <= value <= self.range[1]:
            low, high = self.range
            raise SettingsError(f"{self.name}={value}: expected {low} to {high}")
        return value
