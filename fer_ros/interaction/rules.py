# SPDX-License-Identifier: Apache-2.0
"""When a face counts as showing an expression, for each of them, in one readable text."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache

from fer_ros.emotions.classes import EMOTIONS, UNCERTAIN

NUMBERS = {name: number for number, name in enumerate(EMOTIONS)} | {"uncertain": UNCERTAIN}


@dataclass(frozen=True)
class EventOptions:
    """When an expression is reported; ``event_rules`` and ``event_hold`` are for ``read_rules``."""

    event_rules: str
    event_hold: float
    relative_events: bool


@dataclass(frozen=True)
class Rule:
    """``hold``: seconds for which it is to be the label; ``majority``: in what share of the images
    since its first, 0 to 1; ``confidence``: mean of those, 0 to 1, from which it counts.
    """

    hold: float = 0.5
    majority: float = 0.8
    confidence: float = 0.0


LIMITS = {"hold": 60.0, "majority": 1.0, "confidence": 1.0}
DEFAULT = (
    "anger hold=1.5 majority=0.9 confidence=0.55; "
    "disgust hold=1.0 majority=0.9; "
    "fear hold=1.0 majority=0.9; "
    "joy hold=0.4 majority=0.8; "
    "sadness hold=1.0 majority=0.9; "
    "surprise hold=0.5 majority=0.8; "
    "neutral hold=1.0 majority=0.8; "
    "uncertain hold=1.5 majority=0.8"
)
"""Chosen on portraits that talk and turn, and on clips (``benchmarks/trust/flags.py``)."""


@lru_cache(maxsize=8)  # asked for at every image
def read_rules(text: str, hold: float = -1.0) -> Mapping[int, Rule]:
    """The rule of each expression, by its number.

    ``text``: as DEFAULT is written; what it leaves out is as Rule has it. ``hold``: seconds for all
    of them instead, where it is not negative. Raises ValueError, one line that says what to write.
    """
    rules = dict.fromkeys(NUMBERS.values(), Rule())
    for part in filter(None, (part.split() for part in text.split(";"))):
        name, *settings = part
        if name not in NUMBERS:
            raise ValueError(f"unknown expression {name}: choose {', '.join(NUMBERS)}")
        rules[NUMBERS[name]] = Rule(**dict(_value(name, setting) for setting in settings))
    if hold >= 0:
        rules = {number: replace(rule, hold=hold) for number, rule in rules.items()}
    return rules


def _value(expression: str, setting: str) -> tuple[str, float]:
    key, _, text = setting.partition("=")
    try:
        value = float(text)
        if key in LIMITS and 0 <= value <= LIMITS[key]:
            return key, value
    except ValueError:
        pass
    known = ", ".join(f"{field.name}=0 to {LIMITS[field.name]:g}" for field in fields(Rule))
    raise ValueError(f"{expression} {setting}: write {known}")
