# SPDX-License-Identifier: Apache-2.0
"""The demo: both nodes as processes that talk over DDS, recorded as any subscriber could.

Exit status: 0; 1 after one line that says what failed; 2 for wrong arguments; 130 after
Ctrl-C, 143 after SIGTERM. What was received until then is written in any case.
"""

if __name__ == "__main__":  # before the imports below: they take a second, and signals are obeyed
    from fer_ros.start import demo

    raise SystemExit(demo())

import argparse
import shlex
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path

from fer_ros import start
from fer_ros.cli.demo_recording import Recording, describe, observed_of, summarise
from fer_ros.cli.demo_run import LIVE_SECONDS, Run
from fer_ros.cli.own_nodes import NodesError, choose_middleware, length_of, own_namespace
from fer_ros.command_line import number, to_path
from fer_ros.evaluation.annotated_video import write_video
from fer_ros.faces import detectors
from fer_ros.lines import fault, shown
from fer_ros.runtime.private import add_shared, private
from fer_ros.runtime.replacing import Draft, replacing
from fer_ros.sources.address import SourceError, masked

RESULTS = ("annotated.mp4", "report.html", "summary.json")
LOGS = ("video_source.log", "emotion_node.log")
ALL = ("emotions.jsonl", "bag", *RESULTS, *LOGS)
NEEDED = ("av", "mcap", "rosbags", "tqdm")
_POSITIVE = number(float, 1e-3, 1e6)

EXAMPLES = """examples:
  %(prog)s                                  the built-in clip: two portraits, 12 seconds
  %(prog)s --source 0 --seconds 30          half a minute of the first camera
  %(prog)s --source holiday.mp4             a video, once
  %(prog)s --source pictures/ --rate 2      a folder of pictures, two a second
  %(prog)s --source rtsp://host/stream --detector yunet

leaves in the folder given by --out:
  bag/             images and results as a bag (MCAP): for evaluate_bag and Foxglove
  emotions.jsonl   one line for each message received
  annotated.mp4    the annotated images received
  report.html      probabilities over time for each face; needs no network
  summary.json     the figures printed at the end, by the names of evaluate_bag's
  *.log            what the two nodes said"""


def main(argv=None) -> int:
    """Run the demo; see ``--help``."""
    options = _parse(argv)
    start.interrupt()
    try:
        _check_needed()
        length = length_of(options.source)
        choose_middleware()
        with private(options.shared), _drafting(options.out) as draft:
            failure = _demonstrate(options, draft, length)
    except (NodesError, SourceError) as error:
        failure = str(error)
    except KeyboardInterrupt:
        failure = "stopped"
    if failure:
        print(f"demo: {masked(failure)}", file=sys.stderr)
    return 130 if failure == "stopped" else 1 if failure else 0


def _parse(argv):
    parser = argparse.ArgumentParser(
        prog="fer_ros-demo",
        description="Publish images, find the faces, read their expressions, record the result.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    what = "camera index, video, folder, URL, @FILE that holds one, or sample (default)"
    add("--source", default="sample", help=what)
    add(
        "--out", type=to_path, default=Path("out/demo"), help="folder for the results (%(default)s)"
    )
    add(
        "--seconds",
        type=_POSITIVE,
        help=f"stop after so long (default: at the end; {LIVE_SECONDS:g} for a camera or stream)",
    )
    add("--detector", choices=detectors.NAMES, default="auto", help="face detector (%(default)s)")
    add("--model", default="", help="expression model, or small (default: built in)")
    add("--rate", type=_POSITIVE, help="images a second (default: the source's own)")
    add_shared(parser)
    return parser.parse_args(argv)


def _check_needed():
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise NodesError(f"missing: pip install {' '.join(missing)}")


@contextmanager
def _drafting(folder: Path) -> Iterator[Draft]:
    """Where all is written, to take the place of an earlier run's results when it is whole."""
    from fer_ros.bags.writing import check_bag
    from fer_ros.evaluation.result_folder import is_summary

    try:
        check_bag(folder / "bag")
        taken = [name for name in RESULTS if (folder / name).exists()]
        if taken and not is_summary(folder / "summary.json"):
            raise NodesError(f"{folder}: holds other files: choose another --out")
        with replacing(folder, ALL) as draft:
            yield draft
    except OSError as error:
        place = error.filename or folder
        advice = "" if "--out" in str(error.strerror) else "; choose --out"
        raise NodesError(f"cannot write to {place}: {error.strerror}{advice}") from None


def _demonstrate(options, draft: Draft, length: int) -> str:
    """Record and write; returns what failed, or nothing. An earlier run's results stay where this
    one received none.
    """
    recording = Recording(draft.path)
    try:
        failure = _record(options, draft.path, recording, length)
        failure = _write(options, draft.path, recording) or failure
    finally:
        recording.close()
        if recording.records or not (options.out / recording.path.name).exists():
            draft.commit()
        else:
            draft.keep(LOGS)
    if recording.records:
        there = [name for name in ALL if name not in LOGS and (options.out / name).exists()]
        print(f"\n{describe(summarise(recording))}")
        print("\nLook at " + "\n        ".join(shown(options.out / name) for name in there))
        print(f"See it live in a browser: {live_command(options.source)}")
    return failure


def _record(options, folder, recording, length) -> str:
    """Run both nodes until the source ends; returns what failed, or nothing."""
    import rclpy
    from rclpy._rclpy_pybind11 import RCLError
    from rclpy.executors import SingleThreadedExecutor

    from fer_ros.bags.writing import BagWriter
    from fer_ros.cli.demo_recorder import Recorder
    from fer_ros.nodes.initialisation import init

    try:
        init([])
        with ExitStack() as stack:
            bag = stack.enter_context(BagWriter(folder / "bag"))
            recorder = Recorder(recording, own_namespace("demo"))
            stack.callback(recorder.destroy_node)
            executor = SingleThreadedExecutor()
            executor.add_node(recorder)
            Run(options, folder, recorder, executor, stack).play(length, bag)
    except NodesError as error:
        return str(error)
    except RCLError as error:  # what the environment asks of ROS, such as a ROS_DOMAIN_ID
        return fault(error)
    except OSError as error:
        return f"cannot write to {options.out}: {error.strerror}"
    except KeyboardInterrupt:
        return "stopped"
    finally:
        rclpy.try_shutdown()
    return ""


def live_command(source) -> str:
    """How to go on with the live view, from wherever the demo was started."""
    word = shlex.quote(shown(masked(source)))
    if Path("Makefile").is_file() and Path("fer_ros").is_dir():
        return "make view" + (f" SOURCE={word}" if source != "sample" else "")
    return "fer_ros-view" + (f" --source {word}" if source != "sample" else "")


def _write(options, folder, recording) -> str:
    """Write what is made of what was received; returns what failed, or nothing."""
    from fer_ros.evaluation.report import write_live_report
    from fer_ros.evaluation.result_folder import write_json

    summary, failure = summarise(recording), ""
    writers = {  # the summary first: by it a later run knows its own, wherever this one is stopped
        "summary.json": lambda path: write_json(path, summary),
        "report.html": lambda path: write_live_report(
            path, masked(options.source), summary, observed_of(recording.records)
        ),
        "annotated.mp4": lambda path: write_video(path, recording.images()),
    }
    if recording.records:
        print("Writing annotated.mp4 and report.html", flush=True)
        for name, write in writers.items():
            try:
                write(folder / name)
            except (OSError, KeyboardInterrupt) as error:
                (folder / name).unlink(missing_ok=True)  # it is torn
                if isinstance(error, KeyboardInterrupt):
                    raise
                failure = f"cannot write {options.out / name}: {error.strerror or error}"
    return failure


if __name__ == "__main__":
    sys.exit(main())
