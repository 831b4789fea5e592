# SPDX-License-Identifier: Apache-2.0
"""What evaluate_bag and evaluate_bags have in common: their options, and how they fail."""

import argparse
import math
import sys
from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from importlib.util import find_spec

from fer_ros.command_line import number, to_path
from fer_ros.emotions.model_card import ModelError
from fer_ros.evaluation.criteria import (
    LABELLED,
    MEASURES,
    Criterion,
    CriterionError,
    failures,
    measured,
)
from fer_ros.faces import detectors
from fer_ros.faces.detectors import DetectorError
from fer_ros.lines import fault
from fer_ros.parameters import AnalysisOptions, ParameterError
from fer_ros.parameters.files import options_from
from fer_ros.runtime.private import add_shared

NEEDED = ("rosbags", "mcap", "tqdm")
REQUIRED = """for --require, with <, <=, > or >=, in quotes (to the shell < and > mean files):
""" + "\n".join(
    f"  {name:23} {what}{', with --labels' * (name in LABELLED)}" for name, what in MEASURES.items()
)
COMMON = ("topic", "start", "end", "stride", "keep", "emotions_topic", "thumbnails")
"""Options that are fields of a Job by the same name."""


class _Outcome:
    status = 1


@contextmanager
def failing(command: str, *errors: type[Exception]):
    """Turns what a user can do something about, and ``errors``, into one line; yields an object
    with ``status``.
    """
    outcome = _Outcome()
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise SystemExit(f"{command}: missing: pip install {' '.join(missing)}")
    from fer_ros.bags.reading import BagError
    from fer_ros.evaluation.labels import LabelsError

    foreseen: tuple[type[Exception], ...]
    foreseen = (BagError, LabelsError, ParameterError, DetectorError, ModelError, *errors)
    try:
        yield outcome
    except CriterionError as error:
        print(f"{command}: {error}", file=sys.stderr)
        outcome.status = 2
    except foreseen as error:
        print(f"{command}: {error}", file=sys.stderr)
    except OSError as error:
        print(f"{command}: {fault(error)}", file=sys.stderr)
    except KeyboardInterrupt:
        print(f"{command}: stopped", file=sys.stderr)
        outcome.status = 130


def make_parser(program: str, description: str, examples: str) -> argparse.ArgumentParser:
    """The options that one bag and many have in common."""
    parser = argparse.ArgumentParser(
        prog=program,
        description=description.partition(": ")[2].capitalize(),
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--out", type=to_path, metavar="DIR", help="folder for the results (default: NAME_emotions)"
    )
    add_shared(parser)
    add("--topic", default="", help="the images (default: the only camera in the bag)")
    seconds = number(float, 0)
    add("--start", type=seconds, default=0.0, metavar="S", help="begin so many seconds in")
    add("--end", type=seconds, default=math.inf, metavar="S", help="end so many seconds in")
    add("--stride", type=number(int, 1), default=1, metavar="N", help="only every N-th image")
    add("--detector", choices=detectors.NAMES, help="face detector (default: auto)")
    add("--model", metavar="FILE", help="expression model, or small (default: built in)")
    add(
        "--set",
        nargs="+",
        default=[],
        metavar="NAME=VALUE",
        help="parameters of emotion_node, or parameter files of it",
    )
    add(
        "--require",
        nargs="+",
        default=[],
        metavar="CRITERION",
        help="what the figures must meet, such as 'flips_per_minute<4', see below",
    )
    add(
        "--bag",
        dest="keep",
        choices=("all", "image", "emotions", "none"),
        default="all",
        help="what the written bag holds: all of the source's topics and the result (default), "
        "its images and the result, the result alone; or no bag",
    )
    add(
        "--emotions-topic",
        default="/emotions",
        metavar="NAME",
        help="topic of the result in the written bag (%(default)s)",
    )
    add(
        "--thumbnails",
        action="store_true",
        help="show faces in the report: think of those who are to be seen",
    )
    return parser


def make_parameters(options) -> AnalysisOptions:
    """The parameters asked for. Raises ParameterError."""
    own = {"detector": options.detector, "model": options.model}
    return options_from([*options.set, *(f"{n}={v}" for n, v in own.items() if v)])


def unmet(command: str, criteria: list[Criterion], summaries: Iterable[Mapping]) -> bool:
    """Whether the figures over all of these miss what is required; says what and by how much."""
    lines = failures(criteria, measured(summaries))
    for line in lines:
        print(f"{command}: {line}", file=sys.stderr)
    return bool(lines)


@contextmanager
def progress_bar():
    """Yields the progress callback of an evaluation; silent where nobody watches."""
    from tqdm import tqdm

    with tqdm(unit=" images", disable=None) as bar:

        def show(read: int, total: int) -> None:
            bar.total = total
            bar.update(read - bar.n)

        yield show
