# SPDX-License-Identifier: Apache-2.0
"""``evaluate_bag``: what emotion_node would have said to a recording, and how good that is.

Exit status: 0; 1 after one line that says what failed; 2 for wrong arguments; 3 when the bag is
damaged and only a part could be evaluated; 4 when something required is not met; 130 after
Ctrl-C, 143 after SIGTERM. What was evaluated until then is kept.
"""

if __name__ == "__main__":  # before the imports below: they take a second, and signals are obeyed
    from fer_ros.start import evaluate_bag

    raise SystemExit(evaluate_bag())

import sys
from dataclasses import replace
from pathlib import Path
from textwrap import fill, indent

from fer_ros import start
from fer_ros.cli.bag_options import (
    COMMON,
    REQUIRED,
    failing,
    make_parameters,
    make_parser,
    progress_bar,
    unmet,
)
from fer_ros.command_line import to_path
from fer_ros.evaluation.criteria import parse
from fer_ros.lines import shown
from fer_ros.parameters import ANALYSIS
from fer_ros.parameters.files import options_from
from fer_ros.runtime.private import private
from fer_ros.runtime.replacing import replacing

NAMES = fill(", ".join(row.name for row in ANALYSIS), 96)
EXAMPLES = f"""examples:
  %(prog)s meeting                               a bag: folder, .mcap or .db3 file
  %(prog)s meeting --topic /camera/image_raw --start 60 --end 120 --stride 3
  %(prog)s meeting --labels meeting.csv          accuracy and F1 against labels by hand
  %(prog)s meeting --set hysteresis=0.2 my.yaml  parameters as of emotion_node
  %(prog)s meeting --compare model=new.tflite    two models side by side
  %(prog)s meeting --bag emotions                a result without images
  %(prog)s meeting --require "flips_per_minute<4" "coverage>=0.6"
                                                 a test: exit status 4 and a line for each missed

leaves in the folder given by --out:
  report.html    everything at a glance; needs no network
  emotions.csv   a line for each face of each image (the same bytes on each run)
  bag/           MCAP with {{topics}}fer_ros/EmotionArray (the same bytes on each run)
  summary.json   the figures of the report
  timing.json    how long the images took

labels: CSV with the header start,end,id,expression. Times count in seconds from the recording's
start, or are stamps; without an id a line is about the largest face:
  start,end,id,expression
  0.0,4.5,,joy
  4.5,9.0,2,neutral
  9.0,12,,no face

{REQUIRED}

parameters for --set and --compare:
{indent(NAMES, "  ")}""".replace("{topics}", "the source's topics and ")


def main(argv=None) -> int:
    """Evaluate one bag; see ``--help``."""
    parser = make_parser("fer_ros-evaluate_bag", __doc__.partition("\n")[0], EXAMPLES)
    parser.add_argument("bag", type=to_path, metavar="BAG", help="folder or file of the recording")
    parser.add_argument("--labels", type=to_path, metavar="CSV", help="labels by hand, see below")
    parser.add_argument(
        "--compare",
        nargs="+",
        metavar="NAME=VALUE",
        help="evaluate a second time with these parameters, or parameter files, changed",
    )
    options = parser.parse_args(argv)
    start.interrupt()
    with private(options.shared), failing("evaluate_bag") as outcome:
        outcome.status = _evaluate(options)
    return outcome.status


def _evaluate(options) -> int:
    from fer_ros.evaluation.one_pass import Job, evaluate
    from fer_ros.evaluation.report import write_report
    from fer_ros.evaluation.result_folder import RESULTS, check_folder

    criteria = parse(options.require, labels=options.labels is not None)
    parameters = make_parameters(options)
    job = Job(
        bag=options.bag,
        labels=options.labels,
        parameters=parameters,
        **{name: getattr(options, name) for name in COMMON},
    )
    bag = options.bag.resolve()
    out = options.out or Path(f"{bag.stem if bag.is_file() else bag.name}_emotions")
    jobs = {"": job}
    if options.compare:
        other = options_from(options.compare, parameters)
        jobs = {"first": job, "second": replace(job, parameters=other)}
    check_folder(out, options.bag)
    sides = [side for side in SIDES if _is_side(out / side, options.bag, options.compare)]
    evaluations = []
    with replacing(out, (*RESULTS, *sides)) as draft:
        for name, each in jobs.items():
            with progress_bar() as progress:
                evaluations.append(evaluate(each, draft.path / name, _log, progress))
            if evaluations[-1].stopped:
                break
        write_report(draft.path / "report.html", evaluations)
        draft.commit()
    for evaluation in evaluations:
        print(describe(evaluation))
    print(f"\nLook at {shown(out / 'report.html')}")
    if evaluations[-1].stopped:
        raise KeyboardInterrupt
    missed = False
    for name, evaluation in zip(jobs, evaluations, strict=True):
        who = f"evaluate_bag: {name}" if options.compare else "evaluate_bag"
        missed |= unmet(who, criteria, [evaluation.summary])
    if missed:
        return 4
    return 3 if evaluations[0].summary["damage"] else 0


SIDES = ("first", "second")
"""Folders of the two evaluations that are compared."""


def _is_side(folder: Path, bag: Path, is_wanted: bool) -> bool:
    """Whether there is one of an earlier comparison. Raises OSError for anything else in the way of
    one that is wanted.
    """
    from fer_ros.evaluation.result_folder import RESULTS, check_folder, is_summary

    if not folder.exists():
        return False
    is_ours = is_summary(folder / "summary.json") and not (
        {file.name for file in folder.iterdir()} - set(RESULTS)
    )
    if is_wanted and not is_ours:
        raise FileExistsError(f"{folder}: holds other files: choose another --out")
    if is_ours:
        check_folder(folder, bag)
    return is_ours


def describe(evaluation) -> str:
    """The figures for a reader at a terminal."""
    from fer_ros.evaluation.charts import percent

    s, timing = evaluation.summary, evaluation.timing
    changed = ", ".join(f"{k}={v}" for k, v in s["settings"].items())
    lines = [
        f"\n{s['bag']} {s['topic']}: {s['model']}, faces by {s['detector']}",
        f"  images    {s['images']} of {s['images_read']}, {percent(s['detection_rate'])} with a "
        f"face; {timing['images_per_second']} a second",
        f"  faces     {_count(s['faces'], 'detection')}, {_count(len(s['ids']), 'track')}, "
        + ("-" if s["flips_per_minute"] is None else f"{s['flips_per_minute']:.1f}")
        + " label flips a minute",
        "  shares    "
        + (", ".join(f"{n} {percent(v)}" for n, v in s["shares"].items() if v) or "none"),
    ]
    if changed:
        lines.insert(1, f"  settings  {changed}")
    if "labels" in s:
        against = s["labels"]
        f1 = against["macro_f1"]
        lines.append(
            f"  labels    accuracy {percent(against['accuracy'])}, macro F1 "
            f"{'-' if f1 is None else format(f1, '.3f')} over {against['labelled']} labelled faces"
        )
        for name, own in against["classes"].items():
            if own["labelled"]:
                lines.append(
                    f"    {name:9} recall {percent(own['recall'])}, precision "
                    f"{percent(own['precision'])}, F1 {percent(own['f1'])} of {own['labelled']}"
                )
    return "\n".join(lines)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _log(line: str) -> None:
    from tqdm import tqdm

    tqdm.write(f"evaluate_bag: {line}", file=sys.stderr)
