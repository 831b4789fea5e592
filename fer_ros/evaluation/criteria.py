# SPDX-License-Identifier: Apache-2.0
"""Pass criteria for a robot's own regression tests: ``flips_per_minute<4``, ``macro_f1>0.7``."""

import operator
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from fer_ros.evaluation import measures

MEASURES = {
    "flips_per_minute": "changes of a face's label over the time it was in view",
    "coverage": "share of the faces that are named, not uncertain",
    "uncertain_share": "share of the faces that are uncertain",
    "new_ids_per_minute": "new track ids per minute of the recording",
    "faces_per_image": "faces over images",
    "events_per_minute": "changes of expression that held, over the length of the recording",
    "accuracy": "share of the labelled faces that are named as labelled",
    "macro_f1": "mean F1 of the labelled classes",
    "false_faces_per_minute": "track ids seen per minute labelled `no face`",
    "id_switches": "changes of the id that answers to one label",
}
"""What can be required. Nothing timed: the answer is always the same."""
LABELLED = ("accuracy", "macro_f1", "false_faces_per_minute", "id_switches")

_COMPARISONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_FORM = re.compile(r"\s*([a-z_0-9]+)\s*(<=|>=|<|>)\s*([-+.0-9e]+)\s*")


class CriterionError(ValueError):
    """A criterion that cannot be understood; the message is one line that says what can."""


@dataclass(frozen=True)
class Criterion:
    """One requirement, such as ``flips_per_minute < 4``."""

    measure: str
    comparison: str
    limit: float

    def failure(self, measured: Mapping[str, float | None]) -> str:
        """Why ``measured``, by the names in MEASURES, does not meet it; empty when it does.

        What could not be measured, such as an accuracy without labelled faces, does not.
        """
        value = measured.get(self.measure)
        wanted = f"{self.measure}{self.comparison}{self.limit:g}"
        if value is None:
            return f"{wanted} is required, and there was nothing to measure"
        if _COMPARISONS[self.comparison](value, self.limit):
            return ""
        return f"{wanted} is required, and it is {value:g}"


def parse(words: Iterable[str], labels: bool) -> list[Criterion]:
    """The criteria of a command line; ``labels``: whether there are labels to measure by.

    Raises CriterionError for a form or a name that there is not, and for one that needs labels
    where there are none.
    """
    found = []
    for word in words:
        form = _FORM.fullmatch(word)
        try:
            measure, comparison, limit = form.groups() if form else ()
            found.append(Criterion(measure, comparison, float(limit)))
        except ValueError:
            raise CriterionError(f"{word}: expected a form such as flips_per_minute<4") from None
        if measure not in MEASURES:
            raise CriterionError(f"unknown measure {measure}: choose {', '.join(MEASURES)}")
        if measure in LABELLED and not labels:
            raise CriterionError(f"{measure} needs labels: give --labels")
    return found


def measured(summaries: Iterable[Mapping]) -> dict[str, float | None]:
    """MEASURES of one recording, or over all faces and all time of many; those that need labels
    only where there are some. ``summaries``: as in ``summary.json``.
    """
    summaries = list(summaries)
    found = measures.rates(_total(summaries))
    labelled = [summary["labels"] for summary in summaries if "labels" in summary]
    if labelled:
        counts = _total(labelled)
        found |= measures.scores(np.sum([own["confusion"] for own in labelled], axis=0))
        found |= measures.false_face_rate(counts) | {"id_switches": counts["id_switches"]}
    return {name: found[name] for name in MEASURES if name in found}


def _total(summaries: Iterable[Mapping]) -> Counter:
    """The sum of each number."""
    total: Counter = Counter()
    for summary in summaries:
        total.update({k: v for k, v in summary.items() if isinstance(v, int | float)})
    return total


def failures(criteria: Iterable[Criterion], measured: Mapping[str, float | None]) -> list[str]:
    """A line for each criterion that is not met."""
    return [line for criterion in criteria if (line := criterion.failure(measured))]
