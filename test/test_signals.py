# SPDX-License-Identifier: Apache-2.0
"""A signal that ends a process, at any moment: the documented status, soon, without a traceback."""

import os
import signal
import subprocess
import sys
from importlib.util import find_spec

import cv2
import pytest
from node_helpers import WAIT, Command
from rosbags.rosbag2 import Reader
from source_files import REPOSITORY, console_scripts

from benchmarks.robustness import signals
from fer_ros import start
from fer_ros.sources.sample import Sample

MOMENTS = {"imports": 0.02, "making": 0.5, "work": 1.5}  # seconds, on a machine at rest
NAMES = [name for name in console_scripts() if not name.startswith("evaluate")]
if not find_spec("hri_msgs"):
    NAMES.remove("expression_node")  # ends of itself
COMMAND = """
import gc, sys, time
from fer_ros import start
{body}
start.interrupt()
print("ready", flush=True)
{wait}
"""


@pytest.fixture
def arguments(tmp_path):
    """For each executable, what it is started with."""

    def get(name):
        (tmp_path / "pictures").mkdir(exist_ok=True)
        for i in range(30):
            cv2.imwrite(str(tmp_path / f"pictures/{i}.png"), Sample()[i])
        places = {"OUT": str(tmp_path), "PICTURES": str(tmp_path / "pictures")}
        return [signals.replaced(word, places) for word in signals.ARGUMENTS.get(name, ())]

    return get


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("name", NAMES)
def test_ends_as_documented(name, moment, arguments, tmp_path):
    # Each signal at each moment, of one executable or another; Ctrl-C of an impatient user.
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
    number = numbers[(NAMES.index(name) + [*MOMENTS].index(moment)) % 4]
    times = 20 if number == signal.SIGINT else 1
    found = signals.signalled(
        name, arguments(name), MOMENTS[moment], number, times, tmp_path, os.environ
    )
    assert not found.fault, found.words


@pytest.mark.parametrize("module", ["fer_ros.nodes.emotion_node", "fer_ros.cli.demo", "fer_ros"])
def test_signals_are_obeyed_before_the_imports(module):
    """None of what takes long is imported by ``python -m`` before the handlers stand."""
    code = (
        "import runpy, sys; from fer_ros import start\n"
        "def begin(status): print(sorted(sys.modules)); sys.exit(7)\n"
        f"start._begin = begin; runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 7, done.stderr
    assert not {"numpy", "cv2", "rclpy", "argparse"} & set(eval(done.stdout))


@pytest.mark.parametrize(("name", "target"), console_scripts().items())
def test_start_knows_every_executable(name, target):
    assert getattr(start, name).args == (target.partition(":")[0],)


@pytest.fixture
def command(tmp_path):
    """Runs a program of our own as a command, until it is ready."""
    commands = []

    def run(wait, body=""):
        code = COMMAND.format(wait=wait, body=body)
        commands.append(Command(tmp_path / "words.txt", sys.executable, "-c", code))
        commands[-1].wait_for("ready")
        return commands[-1]

    yield run
    for each in commands:
        each.close()


def test_an_interrupt_in_a_destructor_is_not_lost(command):
    body = "class Slow:\n    def __del__(self): time.sleep(1)"
    running = command("def f(): Slow()\nf()\ntry: time.sleep(60)\nexcept KeyboardInterrupt: "
                      "sys.exit(128 + start.received())", body)  # fmt: skip
    running.signal(signal.SIGTERM)
    assert running.wait() == 143
    assert "Traceback" not in running.words()


def test_a_fault_under_an_interrupt_is_the_interrupt(monkeypatch):
    """As where the import of a library is interrupted, and its caller takes it for missing."""
    monkeypatch.setattr(start, "_begin", lambda status: None)
    monkeypatch.setattr(start, "leave_at_once", lambda status: None)
    monkeypatch.setattr(start, "_received", [signal.SIGTERM])
    monkeypatch.setattr(signals, "refuse", lambda: 2, raising=False)
    handler = start._stop
    monkeypatch.setattr(signal, "getsignal", lambda _: handler)
    assert start.command("benchmarks.robustness.signals", "refuse") == 143
    handler = signal.SIG_IGN  # the command has only noted it, and says itself what it ends with
    assert start.command("benchmarks.robustness.signals", "refuse") == 2
    monkeypatch.setattr(start, "_received", [])
    assert start.command("benchmarks.robustness.signals", "refuse") == 2


def test_predict_does_not_wait_for_its_processes_when_told_to_stop(arguments, tmp_path):
    """Their start alone takes longer on a busy machine than is left."""
    for moment in (0.9, 1.2):
        found = signals.signalled(
            "predict", arguments("predict"), moment, signal.SIGINT, 1, tmp_path, os.environ
        )
        assert not found.fault, found.words


@pytest.mark.parametrize(
    "wait",
    ["with writer: time.sleep(60)", "time.sleep(60)", "with start.uninterrupted(): time.sleep(1)"],
    ids=["in the block", "before the block", "while it is closed"],
)
def test_a_bag_is_closed_whenever_the_interrupt_comes(command, tmp_path, wait):
    path = tmp_path / "bag"
    body = (
        "from pathlib import Path\nfrom fer_ros.bags.writing import BagWriter\n"
        f"writer = BagWriter(Path({str(path)!r}))"
    )
    running = command(f"try:\n    {wait}\nexcept KeyboardInterrupt: sys.exit(130)", body)
    for _ in range(10):
        running.signal(signal.SIGINT)
    assert running.wait() == 130, running.words()
    assert sorted(file.name for file in path.iterdir()) == ["bag.mcap", "metadata.yaml"]
    with Reader(path) as bag:
        assert bag.message_count == 0


@pytest.mark.parametrize(
    "words",
    [
        ["-m", "fer_ros.nodes.video_source"],
        ["-m", "fer_ros.cli.record", "--out", "OUT/bag"],
        ["-m", "fer_ros.cli.demo", "--out", "OUT/demo", "--seconds", "0.2"],
        ["-m", "fer_ros.cli.predict", "fer_ros/sources/portraits"],
    ],
    ids=lambda words: words[1],
)
def test_a_home_that_cannot_be_written(words, tmp_path):
    words = [word.replace("OUT", str(tmp_path)) for word in words]
    environment = os.environ | {"HOME": "/dev/null/nobody"}
    environment.pop("ROS_LOG_DIR", None)
    running = Command(tmp_path / "words.txt", sys.executable, *words, **environment)
    try:
        if "demo" in words[1] or "predict" in words[1]:
            assert running.wait(WAIT) == 0
        else:
            running.wait_for("bag" if "record" in words[1] else "image_raw")
            running.signal(signal.SIGINT)
            assert running.wait() == 0
        assert "Traceback" not in running.words()
        assert ("logs go to" in running.words()) == ("predict" not in words[1])
    finally:
        running.close()


@pytest.mark.parametrize("module", ["fer_ros.nodes.emotion_node", "fer_ros.cli.demo"])
def test_an_output_that_nobody_reads_is_no_traceback(module):
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", module, "--help"], cwd=REPOSITORY, stdout=writing,
        stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(writing)
    assert done.stderr == ""
    assert done.returncode in (0, 128 + signal.SIGPIPE)  # argparse does not mind
