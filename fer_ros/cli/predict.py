# SPDX-License-Identifier: Apache-2.0
"""``fer_ros-predict``: the expressions on the faces of pictures and videos, without ROS.

Exit status: 0; 1 when something could not be read, which is listed, the rest being done; 2 for
wrong arguments, or a model or detector that cannot be used; 3 without a face anywhere, with
--require-face; 130 after Ctrl-C, 143 after SIGTERM, but for a camera, which it ends with 0.
"""

if __name__ == "__main__":  # before the imports below: they take a second, and signals are obeyed
    from fer_ros.start import predict

    raise SystemExit(predict())

import argparse
import io
import os
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from textwrap import fill

from tqdm import tqdm

from fer_ros import start
from fer_ros.cli.drawn_video import VideoError, drawn_video
from fer_ros.cli.picture_batch import FileResult, Picture, file_result, read_pictures
from fer_ros.cli.prediction_output import Csv, JsonLines, Output, Table
from fer_ros.cli.prediction_sources import UsageError, find
from fer_ros.command_line import to_path
from fer_ros.emotions.model_card import ModelError
from fer_ros.faces.detectors import DetectorError
from fer_ros.lines import fault, shown
from fer_ros.parameters import PIPELINE, ParameterError
from fer_ros.parameters.files import options_from
from fer_ros.reader import FaceReader, draw
from fer_ros.runtime.private import add_shared, private
from fer_ros.sources.address import SourceError, masked
from fer_ros.sources.live import Live
from fer_ros.sources.recorded import open_recorded

WIDEST = 40  # letters of a file's name in the table
EXAMPLES = """examples:
  %(prog)s photo.jpg holidays/              a table of the faces
  %(prog)s clip.mp4                         its faces are followed: a line for each
  %(prog)s 0                                a camera, until Ctrl-C
  %(prog)s --csv holidays/ > faces.csv      a row for each face
  %(prog)s --json clip.mp4 | head           a line for each image
  %(prog)s --annotate out holidays/         the pictures with the faces drawn in
  %(prog)s photo.jpg --set min_quality=0 max_faces=1
                                            parameters as of emotion_node, or a file of them

A folder is searched with all folders in it. Pictures are read each by itself, on all cores where
there are many. The rows say what a face looks like, never what somebody feels."""


NAMES = f"names for --set: {', '.join(row.name for row in PIPELINE)}"


@dataclass
class Tally:
    """What came of it."""

    faces: int = 0
    problems: int = 0
    dark: list[str] = field(default_factory=list)

    def note_problem(self, text: str) -> None:
        """Log what could not be read, and count it."""
        self.problems += 1
        _log(text)


def _log(text: str) -> None:
    tqdm.write(f"fer_ros-predict: {text}", file=sys.stderr)


def main(argv=None) -> int:
    """Read what the arguments name; see ``--help``."""
    options = _parse(argv)
    start.interrupt()
    tally = Tally()
    try:
        with private(options.shared):
            return _run(options, tally)
    except (ParameterError, DetectorError, ModelError, UsageError) as error:
        _log(str(error))
        return 2
    except KeyboardInterrupt:
        _log("stopped")
        return 130
    except BrokenPipeError:  # `| head` has read enough
        _drop_output()
        return 0
    except OSError as error:  # of the output: what is read has its own
        _drop_output()
        _log(f"the output cannot be written: {error.strerror or error}")
        return 1


def _drop_output() -> None:
    """What is still to be written would fail again at Python's end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parse(argv):
    parser = argparse.ArgumentParser(
        prog="fer_ros-predict",
        description="Tell the apparent expression of each face in pictures and videos.",
        epilog=f"{EXAMPLES}\n\n{fill(NAMES, 100, subsequent_indent='  ')}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", help="picture, folder, video, or a camera's index"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print a JSON object for each image")
    form.add_argument("--csv", action="store_true", help="print a row for each face of each image")
    parser.add_argument(
        "--annotate", type=to_path, metavar="FOLDER", help="write the images there, faces drawn in"
    )
    add_shared(parser)
    parser.add_argument("--model", metavar="FILE", help="expression model, or small: built in")
    parser.add_argument(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=VALUE",
        help="parameters, or parameter files, behind the paths; names below",
    )
    parser.add_argument(
        "--require-face", action="store_true", help="exit status 3 when there is no face anywhere"
    )
    return parser.parse_args(argv)


def _run(options, tally: Tally) -> int:
    words = [*options.set, *([f"model={options.model}"] if options.model is not None else [])]
    chosen = options_from(words)
    parameters = {row.name: getattr(chosen, row.name) for row in PIPELINE}
    reader = FaceReader(**parameters)  # fails before anything is read
    work = find(options.paths, options.annotate)
    for problem in work.problems:
        tally.note_problem(problem)
    names = [shown(p.path) for p in (*work.pictures, *work.videos)]
    output = _output(options, names, bool(work.live))
    for found in _progress(
        read_pictures(work.pictures, reader, parameters), len(work.pictures), "pictures"
    ):
        _take(found, output, tally)
    for video in work.videos:
        _read_video(video, parameters, output, tally)
    for source in work.live:
        _watch(source, parameters, output, tally)
    if tally.dark:
        more = f" and {len(tally.dark) - 1} more" if len(tally.dark) > 1 else ""
        _log(f"all dark, so that no face can be seen: {tally.dark[0]}{more}")
    if tally.problems:
        return 1
    return 3 if options.require_face and not tally.faces else 0


def _output(options, names: list[str], live: bool) -> Output:
    if isinstance(sys.stdout, io.TextIOWrapper):  # names hold what a terminal's letters do not
        sys.stdout.reconfigure(errors="backslashreplace")

    def out(line: str) -> None:
        tqdm.write(line, file=sys.stdout)
        sys.stdout.flush()

    if options.json:
        return JsonLines(out)
    if options.csv:
        return Csv(out)
    return Table(out, min(max([len(name) for name in names] or [8]), WIDEST), live)


def _progress(items: Iterator, total: int, unit: str) -> Iterator:
    return tqdm(items, total=total or None, unit=f" {unit}", disable=None if total > 1 else True)


def _take(found: FileResult, output: Output, tally: Tally) -> None:
    if found.problem:
        tally.note_problem(f"{found.problem}")
        return
    tally.faces += len(found.records)
    if found.dark:
        tally.dark.append(found.file)
    output.add(found)


def _read_video(video: Picture, parameters: dict, output: Output, tally: Tally) -> None:
    """Follow the faces of one video, as a reader of its own does: ids begin with 1."""
    file, reader = shown(video.path), FaceReader(**parameters)
    try:
        recorded = open_recorded(str(video.path), tally.note_problem)
        drawn = drawn_video(video.drawn, recorded.rate) if video.drawn else nullcontext()
        with drawn as write:
            for number, image in enumerate(_progress(iter(recorded), len(recorded), "images")):
                seconds = number / recorded.rate
                result = reader.track(image, seconds)
                _take(file_result(file, image, result, round(seconds, 3)), output, tally)
                if write:
                    write(draw(image, result))
    except (SourceError, VideoError) as error:
        tally.note_problem(fault(error))
    else:
        output.end_video(file)


def _watch(source: str, parameters: dict, output: Output, tally: Tally) -> None:
    """Follow the faces before a camera until Ctrl-C."""
    reader, name = FaceReader(**parameters), masked(source)
    try:
        live = Live(source, log=_log)
    except SourceError as error:
        tally.note_problem(str(error))
        return
    began = time.monotonic()
    try:
        while True:
            taken = live.take()
            if taken is None:
                time.sleep(0.005)
                continue
            seconds = time.monotonic() - began
            result = reader.track(taken[0], seconds)
            _take(file_result(name, taken[0], result, round(seconds, 3)), output, tally)
    except KeyboardInterrupt:
        output.end_video(name)
    finally:
        live.close()
