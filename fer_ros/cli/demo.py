# SPDX-License-Identifier: Apache-2.0
"""The demo: both nodes as processes that talk over DDS, recorded as any subscriber could.

Exit status: 0; 1 after one line that says what failed; 2 for wrong arguments; 130 after
Ctrl-C, 143 after SIGTERM. What was received until then is written in any case.
"""

if __name__ == "__main__":  # before the imports below: they take a second, and signals are obeyed
    from fer_ros.start import demo

    raise SystemExit(demo())

import argparse
import os
import random
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path

from fer_ros import start
from fer_ros.cli.demo_recording import Recording, describe, observed_of, summarise
from fer_ros.cli.node_process import NodeProcess
from fer_ros.cli.record import TopicRecorder
from fer_ros.command_line import number
from fer_ros.evaluation.annotated_video import write_video
from fer_ros.faces import detectors
from fer_ros.runtime.private import add_shared, private
from fer_ros.runtime.replacing import Draft, replacing
from fer_ros.sources.address import SourceError, is_live, masked
from fer_ros.sources.live import Live
from fer_ros.sources.recorded import open_recorded

START, FIRST_IMAGE, LAST_RESULTS = 60.0, 20.0, 5.0  # seconds waited for each
LIVE_SECONDS = 20.0
RESULTS = ("annotated.mp4", "report.html", "summary.json")
LOGS = ("video_source.log", "emotion_node.log")
ALL = ("emotions.jsonl", "bag", *RESULTS, *LOGS)
IMAGES = "image_raw/compressed"  # what emotion_node works on is what the bag holds
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


class DemoError(RuntimeError):
    """The demo cannot go on; the message is one line that says why."""


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
    except (DemoError, SourceError) as error:
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
    add("--out", type=Path, default=Path("out/demo"), help="folder for the results (%(default)s)")
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
        raise DemoError(f"missing: pip install {' '.join(missing)}")


def length_of(source) -> int:
    """How many images will come; 0: not known. Raises SourceError before anything is started or
    an earlier run's results are removed.
    """
    if is_live(source):
        Live(source).close()
        return 0
    return len(open_recorded(source, log=lambda _: None))


def choose_middleware():
    """Keep to this machine and out of others' way, unless the user has set up more."""
    # Over 101 the ports of a domain run into those that Linux hands out.
    os.environ.setdefault("ROS_DOMAIN_ID", str(random.randint(1, 101)))
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")


@contextmanager
def _drafting(folder: Path) -> Iterator[Draft]:
    """Where all is written, to take the place of an earlier run's results when it is whole."""
    from fer_ros.bags.writing import check_bag
    from fer_ros.evaluation.result_folder import is_summary

    try:
        check_bag(folder / "bag")
        taken = [name for name in RESULTS if (folder / name).exists()]
        if taken and not is_summary(folder / "summary.json"):
            raise DemoError(f"{folder}: holds other files: choose another --out")
        with replacing(folder, ALL) as draft:
            yield draft
    except OSError as error:
        place = error.filename or folder
        raise DemoError(f"cannot write to {place}: {error.strerror}; choose --out") from None


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
        print("\nLook at " + "\n        ".join(str(options.out / name) for name in there))
        print(f"See it live in a browser: {live_command(options.source)}")
    return failure


def _record(options, folder, recording, length) -> str:
    """Run both nodes until the source ends; returns what failed, or nothing."""
    import rclpy
    from rclpy.executors import SingleThreadedExecutor

    from fer_ros.bags.writing import BagWriter
    from fer_ros.cli.demo_recorder import Recorder
    from fer_ros.nodes.initialisation import init

    init([])
    try:
        with ExitStack() as stack:
            bag = stack.enter_context(BagWriter(folder / "bag"))
            recorder = Recorder(recording)
            stack.callback(recorder.destroy_node)
            executor = SingleThreadedExecutor()
            executor.add_node(recorder)
            _Run(options, folder, recorder, executor, stack).play(length, bag)
    except DemoError as error:
        return str(error)
    except OSError as error:
        return f"cannot write to {options.out}: {error.strerror}"
    except KeyboardInterrupt:
        return "stopped"
    finally:
        rclpy.try_shutdown()
    return ""


class _Run:
    """Both nodes and the recorder, from the start to the last result."""

    def __init__(self, options, folder, recorder, executor, stack):
        self._options, self._folder = options, folder
        self._recorder = recorder
        self._recording = recorder.recording
        self._executor = executor
        self._stack = stack
        self._nodes: list[NodeProcess] = []
        self._bag: TopicRecorder | None = None

    def play(self, length, bag):
        """Start both nodes; stay until the source's end or its time is up. Raises DemoError."""
        o = self._options
        live = is_live(o.source)
        seconds = o.seconds or (LIVE_SECONDS if live else None)
        print("Starting video_source and emotion_node", flush=True)
        # The source holds its images back until emotion_node is active, and that is made active
        # when all have found each other, which takes DDS seconds on a busy machine.
        given = {"source": o.source, "loop": False, "start_when_subscribed": True}
        source = self._start("video_source", given | ({"rate": o.rate} if o.rate else {}))
        self._wait(self._recorder.has_found_source, START, "video_source is silent: {last}")
        given = {"detector": o.detector, "model": o.model, "image_reliability": "reliable"}
        given |= {"autostart": False, "image_transport": "compressed"}
        self._start("emotion_node", given)
        self._wait(self._recorder.has_found_emotion_node, START, "emotion_node is mute: {last}")
        self._change_state("configure")
        # Not sooner: the source begins a second after it has a subscriber. Not later: the bag is to
        # have the first image too.
        self._bag = TopicRecorder(self._recorder, bag)
        for topic in (IMAGES, "emotions"):
            self._bag.add(self._recorder.resolve_topic_name(topic))
        self._change_state("activate")
        name = masked(o.source)
        print(f"Playing {name}" + (f" for {seconds:g} s" if seconds else ""), flush=True)
        silence = f"no image came from {name} within {FIRST_IMAGE:g} s"
        self._wait(lambda: self._recording.sent or source.status == 0, FIRST_IMAGE, silence)
        self._follow(source, seconds, length)
        source.stop()
        self._nodes.remove(source)
        seen = self._recorder.reports
        self._wait(lambda: self._is_complete(seen), LAST_RESULTS)
        if not self._recording.records:
            raise DemoError(f"no result came from emotion_node: {self._nodes[-1].last_line()}")

    def _start(self, name, parameters) -> NodeProcess:
        with start.uninterrupted():  # or nobody would end it
            node = NodeProcess(name, parameters, self._folder)
            self._nodes.append(self._stack.enter_context(node))
        return node

    def _change_state(self, step):
        answer = self._recorder.change_state(step)
        self._wait(answer.done, START, f"{step} hangs: {{last}}")
        if not answer.result().success:
            raise DemoError(f"emotion_node: {self._nodes[-1].last_line()}")

    def _follow(self, source, seconds, length):
        """Show progress until the source ends or its time is up."""
        from tqdm import tqdm

        end = time.monotonic() + (seconds or float("inf"))
        with tqdm(total=length or None, unit=" images", disable=None) as progress:
            while source.status is None and time.monotonic() < end:
                self._spin()
                progress.update(len(self._recording.records) - progress.n)

    def _is_complete(self, seen) -> bool:
        """Whether, by a report newer than ``seen``, every image's result has come."""
        counts = self._recording.counts
        return (
            self._recorder.reports > seen
            and counts["received"] == counts["processed"] + counts["dropped"]
            and len(self._recording.records) >= counts["processed"]
        )

    def _wait(self, done, seconds, failure=""):
        """Until ``done()``, or ``seconds`` have passed: then DemoError if there is a failure."""
        end = time.monotonic() + seconds
        while not done():
            self._spin()
            if time.monotonic() > end:
                if failure:
                    raise DemoError(failure.replace("{last}", self._nodes[-1].last_line()))
                return

    def _spin(self):
        self._executor.spin_once(timeout_sec=0.1)
        if self._recorder.problem:
            raise DemoError(f"emotion_node: {self._recorder.problem}")
        if self._bag and self._bag.failure:
            raise self._bag.failure
        for node in self._nodes:
            ended_well = node.status == 0 and node.name == "video_source"
            if node.status is not None and not ended_well:
                raise DemoError(f"{node.name} died: {node.last_line()}")


def live_command(source) -> str:
    """How to go on with the live view, from wherever the demo was started."""
    word = shlex.quote(masked(source))
    if Path("Makefile").is_file() and Path("fer_ros").is_dir():
        return "make view" + (f" SOURCE={word}" if source != "sample" else "")
    return "fer_ros-view" + (f" --source {word}" if source != "sample" else "")


def _write(options, folder, recording) -> str:
    """Write what is made of what was received; returns what failed, or nothing."""
    from fer_ros.evaluation.report import write_live_report
    from fer_ros.evaluation.result_folder import write_json

    summary, failure = summarise(recording), ""
    writers = (
        lambda path: write_video(path, recording.images()),
        lambda path: write_live_report(
            path, masked(options.source), summary, observed_of(recording.records)
        ),
        lambda path: write_json(path, summary),
    )
    if recording.records:
        print("Writing annotated.mp4 and report.html", flush=True)
        for name, write in zip(RESULTS, writers, strict=True):
            try:
                write(folder / name)
            except OSError as error:
                failure = f"cannot write {options.out / name}: {error.strerror or error}"
    return failure


if __name__ == "__main__":
    sys.exit(main())
