# SPDX-License-Identifier: Apache-2.0
"""SIGINT, SIGTERM, SIGHUP and SIGQUIT to each executable, at moments from its first to its work.

Told once or twenty times, one moment in each of ``--moments`` equal parts of 0 to ``--seconds``
after the process's first line of our own code; ``--seed`` says where in it. A fault is another exit
status than documented, more than two seconds, a traceback, or a child that is left. What
``--minutes`` leave no time for is left out and told.

    python -m benchmarks.robustness.signals [--moments 40] [--minutes 30] [--only demo record]
"""

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
from tqdm import tqdm

from benchmarks.processes import REPOSITORY, environment
from benchmarks.report import save, table
from fer_ros.sources.sample import Sample

NODES = ("emotion_node", "expression_node", "video_source", "web_view")
ARGUMENTS: dict[str, tuple[str, ...]] = {
    "web_view": ("--ros-args", "-p", "port:=0"),
    "view": ("--out", "OUT/view", "--no-browser"),
    "demo": ("--out", "OUT/demo"),
    "record": ("--out", "OUT/bag"),
    "predict": ("PICTURES",),
    "evaluate_bag": ("BAG", "--out", "OUT/bag_emotions"),
    "evaluate_bags": ("BAGS", "--out", "OUT/bags", "--workers", "1"),
}
UNTIL_TOLD = ("record", "view")  # at work, they end in no other way: with 0
AT_ONCE = 2.0  # seconds
KINDS = {
    "traceback": "tracebacks",
    "status": "wrong exit codes",
    "late": "too late",
    "left": "processes left",
}
WAIT = 30.0
# As the executables do, with a sign when Python has its first chance.
PROGRAM = (
    "import sys; from fer_ros import start;"
    "start.leave_at_once(0 if {name!r} in {nodes} else None); print('begun', flush=True);"
    "sys.argv[0] = 'fer_ros-{name}'; sys.exit(start.{name}())"
)


@dataclass(frozen=True)
class End:
    """How a process took a signal; ``fault`` is empty where that was as it should be, else one of
    its kinds, a colon and what was found.
    """

    status: int
    seconds: float
    words: str
    fault: str


def signalled(name: str, arguments, moment: float, number: int, times: int, out: Path, env) -> End:
    """Start an executable in an environment ``env``, tell it to stop ``moment`` s after its first
    line, ``times`` times, its words in ``out``; how it ended.
    """
    code = PROGRAM.format(name=name, nodes=NODES)
    log = out / "words.txt"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments], cwd=REPOSITORY, env=env,
            stdout=file, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    end = time.monotonic() + WAIT
    while b"begun" not in log.read_bytes() and time.monotonic() < end:
        time.sleep(0.005)
    time.sleep(moment)
    if process.poll() is not None:  # of itself, such as for want of hri_msgs
        return End(process.returncode, 0.0, log.read_text(errors="replace"), "")
    began = time.monotonic()
    for _ in range(times):
        process.send_signal(number)
        time.sleep(0.002)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(WAIT)
    seconds = time.monotonic() - began
    end = time.monotonic() + 1.0
    while (left := _session(process.pid)) and time.monotonic() < end:
        time.sleep(0.02)  # helpers of Python that end when this process has
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    status = process.wait()
    words = log.read_text(errors="replace")
    return End(status, round(seconds, 2), words, _fault(name, number, status, seconds, words, left))


def _fault(name, number, status, seconds, words, left) -> str:
    told = number if number == signal.SIGINT else signal.SIGTERM
    right = {0} if name in NODES else {128 + told} | ({0} if name in UNTIL_TOLD else set())
    if left:
        return f"left: {len(left)} processes"
    if "Traceback" in words:
        return f"traceback: {words.splitlines()[-1]}"
    if status not in right:
        return f"status: {status}"
    # The demo writes what it received until then, after its nodes have ended.
    if seconds > AT_ONCE + (5.0 if name == "demo" else 0.0):
        return f"late: {seconds:.1f} s"
    return ""


def _session(leader: int) -> list[int]:
    """The processes of a session that live."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            fields = (place / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader and fields[0] != "Z":
            found.append(int(place.name))
    return found


def main() -> int:
    """See ``--help``."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--moments", type=int, default=40)
    add("--seconds", type=float, default=2.5)
    add("--minutes", type=float, default=60.0)
    add("--seed", type=int, default=random.randrange(10**6))
    add("--bag", type=Path, help="for evaluate_bag(s): one that lasts them longer than --seconds")
    add("--only", nargs="+", default=[*NODES, *(n for n in ARGUMENTS if n not in NODES)])
    options = parser.parse_args()
    print(f"--seed {options.seed}", flush=True)
    chance, end = random.Random(options.seed), time.monotonic() + options.minutes * 60
    results: dict[str, dict] = {}
    stack = contextlib.ExitStack()
    pictures = stack.enter_context(tempfile.TemporaryDirectory())
    for i in range(200):
        cv2.imwrite(f"{pictures}/{i:03d}.png", Sample()[i])
    for name in options.only:
        if name.startswith("evaluate") and not options.bag:
            continue
        ends: list[End] = []
        for i in tqdm(range(options.moments), desc=name, leave=False, disable=None):
            if time.monotonic() > end:
                print(f"{name}: no time for {options.moments - i} moments")
                break
            with tempfile.TemporaryDirectory() as folder:
                places = {"OUT": folder, "PICTURES": pictures, "BAG": str(options.bag)}
                places["BAGS"] = str(options.bag and options.bag.parent)
                words = [replaced(word, places) for word in ARGUMENTS.get(name, ())]
                moment = options.seconds * (i + chance.random()) / options.moments
                number = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)[i % 4]
                # A second SIGQUIT ends what does not come to its end, whatever is lost.
                times = 20 if i % 6 > 2 and number != signal.SIGQUIT else 1
                found = signalled(name, words, moment, number, times, Path(folder), environment())
            ends.append(found)
            if found.fault:
                what = f"{name}, {number.name} x{times} at {moment:.2f} s: {found.fault}"
                print(f"{what}\n{found.words}", flush=True)
        slowest = max((found.seconds for found in ends), default=0.0)
        faults = [found.fault for found in ends if found.fault]
        results[name] = {"signals": len(ends), "faults": faults, "slowest_s": slowest}
    stack.close()
    print(table(["", "tries", *KINDS.values(), "slowest (s)"], list(map(_row, results.items()))))
    save("signals", {"seed": options.seed, **results})
    return 1 if any(r["faults"] for r in results.values()) else 0


def _row(result) -> list:
    name, found = result
    kinds = [fault.partition(":")[0] for fault in found["faults"]]
    return [name, found["signals"], *map(kinds.count, KINDS), found["slowest_s"]]


def replaced(word: str, places: dict[str, str]) -> str:
    """An argument, the place that it begins with put in."""
    first, slash, rest = word.partition("/")
    return places.get(first, first) + slash + rest


if __name__ == "__main__":
    sys.exit(main())
