# SPDX-License-Identifier: Apache-2.0
"""``record``: what emotion_node says into a bag (MCAP); images only when they are asked for.

Exit status: 0; 1 after one line that says what failed, such as a full disk; 2 for wrong arguments.
Whatever ends it, the bag is closed and can be read; after SIGKILL or a power cut it is not closed,
and evaluate_bag reads it all the same.
"""

if __name__ == "__main__":  # before the imports below: they take a second, and signals are obeyed
    from fer_ros.start import record

    raise SystemExit(record())

import argparse
import sys
import time
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

from fer_ros import start
from fer_ros.cli.topic_recorder import TopicRecorder
from fer_ros.command_line import to_path
from fer_ros.lines import fault, shown
from fer_ros.runtime.private import add_shared, private

LOOK, FLUSH = 0.5, 2.0  # seconds between two looks for topics, and two hand-overs to the disk
MESSAGES = ("emotions", "emotion_events", "detections", "/diagnostics")
"""Topics that are always recorded, once they are there: what emotion_node says in words."""
PRIVACY = (
    "recording images: who is in them can be recognised. Tell the people concerned, keep the bag "
    "safe and delete it when it has served"
)
EXAMPLES = """examples:
  %(prog)s                                     results, into recordings/emotions_DATE_TIME
  %(prog)s --ros-args -r __ns:=/left           of one camera: ..._DATE_TIME_left
  %(prog)s --out visit-12                      into the folder visit-12
  %(prog)s --all                               with the images: mind the people in them
  %(prog)s --topics /tf /tf_static             and these
  %(prog)s --all --ros-args -r image_raw:=/camera/color/image_raw

The bag is read by ros2 bag play, Foxglove and evaluate_bag."""


def main(argv=None) -> int:
    """Record until told to stop; see ``--help``."""
    missing = [name for name in ("rosbags", "mcap") if find_spec(name) is None]
    if missing:
        return _fail(f"missing: pip install {' '.join(missing)}")
    import rclpy
    from rclpy._rclpy_pybind11 import RCLError
    from rclpy.utilities import remove_ros_args

    from fer_ros.nodes.initialisation import init, refuse_malformed

    argv = sys.argv if argv is None else ["record", *argv]
    try:
        words = remove_ros_args(argv)[1:]
    except UnicodeEncodeError:  # rcl takes no other text
        return _fail("all arguments have to be UTF-8: name another folder")
    options = _parse(words)
    # A note, not an exception: Ctrl-C comes at any moment, under ros2 launch twice, and must not
    # keep the bag from its end.
    start.note()
    try:
        init(argv)
        node = rclpy.create_node("recorder")
        refuse_malformed(node)
        options.out = options.out or new_folder(node.get_namespace())
        with private(options.shared):
            return _record(options, node, start.received)
    except FileExistsError:
        return _fail(f"{options.out} is there already: choose another --out")
    except OSError as error:
        return _fail(f"cannot write to {shown(options.out)}: {error.strerror or error}")
    except (RCLError, RuntimeError, ValueError) as error:  # arguments, names that ROS refuses
        return _fail(fault(error))
    finally:
        rclpy.try_shutdown()


def _parse(argv):
    parser = argparse.ArgumentParser(
        prog="fer_ros-record",
        description=f"Record what emotion_node says into a bag: {', '.join(MESSAGES)}.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--out", type=to_path, help="new folder for the bag (recordings/emotions_DATE_TIME)")
    add_shared(parser)
    add("--all", action="store_true", help="images and camera_info too")
    add("--topics", nargs="+", default=[], metavar="NAME", help="further topics")
    return parser.parse_args(argv)


def new_folder(namespace: str) -> Path:
    """Where a bag goes that was given no folder: cameras that begin at once differ in namespace."""
    name = datetime.now().strftime("emotions_%Y-%m-%d_%H-%M-%S")
    return Path("recordings", "_".join([name, *namespace.strip("/").split("/")]).rstrip("_"))


def _record(options, node, should_stop) -> int:
    """Record until told to stop or the disk is full.

    Raises OSError when the bag cannot be made or closed.
    """
    from rclpy.executors import SingleThreadedExecutor

    from fer_ros.bags.writing import BagWriter, remove_bag

    executor = SingleThreadedExecutor()
    executor.add_node(node)
    log = node.get_logger()
    with BagWriter(options.out) as writer:
        recorder = TopicRecorder(node, writer)
        if options.all:
            log.warning(PRIVACY)
        log.info(f"recording into {shown(options.out)}")
        wanted = _Wanted(node, options)
        next_look = next_flush = 0.0
        while recorder.failure is None and not should_stop():
            now = time.monotonic()
            if now >= next_look:
                wanted.look(recorder)
                recorder.check()
                next_look = now + LOOK
            if now >= next_flush:
                recorder.flush()
                next_flush = now + FLUSH
            executor.spin_once(timeout_sec=LOOK)
    if recorder.failure:
        reason = recorder.failure.strerror
        log.error(
            f"recording stopped: {reason}. {recorder.count} messages are in {shown(options.out)}, "
            "closed and readable; free some space, then record again"
        )
        return 1
    if not recorder.has_clock:
        remove_bag(options.out)
        return _fail("use_sim_time is set but /clock is silent: play the bag with --clock")
    if not recorder.count:
        remove_bag(options.out)
        log.warning(f"nothing was recorded: no publisher on {', '.join(wanted.names)}")
        return 0
    log.info(f"{recorder.count} messages in {shown(options.out)}")
    return 0


class _Wanted:
    """The topics to record, by their resolved names."""

    def __init__(self, node, options):
        self._node = node
        self.names = [node.resolve_topic_name(name) for name in (*MESSAGES, *options.topics)]
        self._image = ""
        if options.all:
            from fer_ros.images.topic_names import camera_info_of

            self._image = node.resolve_topic_name("image_raw")
            self.names.append(camera_info_of(self._image))
        self._raw_checks = 0

    def look(self, recorder: TopicRecorder) -> None:
        """Begin to record those that are published by now."""
        for name in self.names:
            recorder.add(name)
        if not self._image:
            return
        # JPEG where the camera offers it, at a tenth of the size; raw once that is certain.
        if recorder.add(f"{self._image}/compressed"):
            self._image = ""
        elif self._node.count_publishers(self._image):
            self._raw_checks += 1
            if self._raw_checks > 2 and recorder.add(self._image):
                self._image = ""


def _fail(reason: str) -> int:
    print(f"record: {reason}", file=sys.stderr)
    return 1
