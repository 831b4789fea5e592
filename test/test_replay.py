# SPDX-License-Identifier: Apache-2.0
"""replay.launch.py: the images of a bag and nothing else of it, all of them, and its words."""

import os
import sys

import pytest

pytest.importorskip("launch_ros", reason="launch is not installed: it does not come as a wheel")

from bag_helpers import JPEG, RAW, START, STEP, frames, make_bag
from fer_ros.msg import EmotionArray
from node_helpers import PYTHONPATH, REPOSITORY
from rclpy.serialization import deserialize_message
from test_launch import arguments, install_programs, launch  # noqa: F401 - a fixture

from fer_ros.bags.reading import Bag
from fer_ros.evaluation.one_pass import Job, evaluate

REPLAY = REPOSITORY / "launch/replay.launch.py"


@pytest.fixture
def player(tmp_path):
    """Environment in which ``ros2 bag play`` is the one of fake_player.py; the exit status of what
    else it is asked is that in the file ``status``, where there is one.
    """
    pytest.importorskip("rosbag2_interfaces", reason="rosbag2 does not come as a wheel")
    prefix = tmp_path / "prefix"
    index = prefix / "share/ament_index/resource_index/packages"
    index.mkdir(parents=True)
    (index / "ros2bag").touch()
    program = prefix / "bin/ros2"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\nif [ -f {tmp_path}/status ]; then exit "$(cat {tmp_path}/status)"; fi\n'
        f'exec {sys.executable} {REPOSITORY}/test/fake_player.py "$@"\n'
    )
    program.chmod(0o755)
    return {
        "AMENT_PREFIX_PATH": f"{prefix}:{os.environ['AMENT_PREFIX_PATH']}",
        "PATH": f"{prefix}/bin:{os.environ['PATH']}",
    }


@pytest.fixture
def bag(tmp_path):
    """Makes a bag of three seconds that holds the images on these topics, and old results."""

    def make(*topics):
        source = make_bag(tmp_path / "images", frames(30), topics=topics)
        evaluate(Job(source), tmp_path / "evaluated", log=lambda _: None)
        return tmp_path / "evaluated/bag"

    return make


def replayed(running, folder):
    """The recorded bag: messages by topic, once the launch has ended by itself."""
    assert running.wait() == 0, running.words()
    assert "Traceback" not in running.words()
    with Bag(folder) as recording:
        times = recording.start_time, recording.end_time
        found = [m.data for m in recording.messages() if m.topic == "/emotions"]
        stamps = [deserialize_message(data, EmotionArray).header.stamp for data in found]
        return times, recording.topics, [s.sec * 10**9 + s.nanosec for s in stamps]


@pytest.mark.parametrize("topic", [RAW, JPEG], ids=["raw", "compressed"])
def test_every_image_once_and_on_the_clock_of_the_bag(launch, player, bag, tmp_path, topic):  # noqa: F811
    # Slowly: a busy machine would rightly drop images for newer ones.
    source = bag(topic)
    running = launch(
        REPLAY, f"bag:={source}", "record:=emotions", f"record_to:={tmp_path / 'new'}",
        "rate:=0.25", **player,
    )  # fmt: skip
    times, topics, stamps = replayed(running, tmp_path / "new")
    assert "SENT 30" in running.words()
    assert [(stamp - START) / STEP for stamp in stamps] == list(range(30))
    assert topics.keys() >= {"/emotions", "/diagnostics"}
    with Bag(source) as old:
        assert old.start_time - 10**9 < times[0] <= times[1] < old.end_time + 10**9


def test_the_bag_waits_for_the_recorder(launch, player, bag, tmp_path):  # noqa: F811
    """One that takes longer to begin than the whole bag lasts."""
    late = tmp_path / "late"
    late.mkdir()
    (late / "sitecustomize.py").write_text(
        "import sys, time\nif sys.orig_argv[1].endswith('/record'):\n    time.sleep(5)\n"
    )
    path = os.pathsep.join([str(late), PYTHONPATH])
    words = ("record:=emotions", f"record_to:={tmp_path / 'new'}")
    running = launch(REPLAY, f"bag:={bag(JPEG)}", *words, **player, PYTHONPATH=path)
    _, _, stamps = replayed(running, tmp_path / "new")
    assert stamps[0] == START


def test_topics_and_speed_are_passed_on(launch, player, bag):  # noqa: F811
    running = launch(REPLAY, f"bag:={bag(RAW)}", "rate:=2.0", "loop:=true", "topics:=tf", **player)
    running.wait_for("CALLED")
    words = running.words()
    assert "--clock --rate 2.0 --start-paused --disable-keyboard-controls" in words
    assert " --wait-for-all-acked 5000 --loop " in words
    assert f"--topics {RAW} " in words
    assert " /tf\n" in words
    assert "topics: the bag has no /tf\n" in words
    assert "/emotions" not in words.partition("CALLED")[2].partition("\n")[0]
    assert running.interrupt() == 0


def test_a_player_that_fails_fails_the_launch(launch, player, bag, tmp_path):  # noqa: F811
    (tmp_path / "status").write_text("3")
    running = launch(REPLAY, f"bag:={bag(RAW)}", **player)
    assert running.wait() == 1
    assert "ros2 bag play ended with exit status 3" in running.words()


def test_a_model_that_cannot_be_loaded_ends_the_replay(launch, player, bag):  # noqa: F811
    running = launch(REPLAY, f"bag:={bag(RAW)}", "model:=/nowhere.tflite", **player)
    assert running.wait() == 1
    assert "not configured: no model file /nowhere.tflite" in running.words().splitlines()[-1]


def test_rviz_is_there_before_the_bag_and_goes_by_its_time_and_frame(
    launch,  # noqa: F811
    player,
    bag,
    tmp_path,
):
    install_programs(tmp_path)
    (tmp_path / "status").unlink()  # that of the player here
    running = launch(REPLAY, f"bag:={bag(RAW)}", "rviz:=true", "loop:=true", **player)
    running.wait_for("emotion.rviz -f camera")
    assert "CALLED --" not in running.words()
    running.wait_for("use_sim_time: true")
    assert running.interrupt() == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "'bag'"),
        (["bag:={bag}", "camera:=video"], "unknown launch argument camera"),
        (["bag:=/no/such"], "bag: no file or folder /no/such"),
        (["bag:={bag}", "image_topic:=/eye"], "no images on /eye; image topics: /camera/image_raw"),
        (
            ["bag:={bag}", "image_transport:=compressed"],
            "no compressed images of /camera/image_raw",
        ),
        (["bag:={bag}", "rate:=0"], "rate: 0 is not a number above 0"),
        (["bag:={bag}", "rate:=fast"], "rate: fast is not a number above 0"),
    ],
    ids=["none", "typo", "absent", "topic", "transport", "still", "fast"],
)
def test_refuses_to_start(launch, bag, words, said):  # noqa: F811
    running = launch(REPLAY, *(w.format(bag=bag(RAW)) if "{" in w else w for w in words))
    assert running.wait() == 1
    (line,) = [line for line in running.words().splitlines() if "Caught exception" in line]
    assert said in line
    assert "process started" not in running.words()


def test_show_args_lists_what_does_something(launch):  # noqa: F811
    running = launch(REPLAY, "--show-args")
    assert running.wait() == 0
    listed = arguments(running.words())
    assert {"bag", "rate", "loop", "topics", "image_topic", "detector", "record"} <= listed
    assert not listed & {"camera", "source", "video_device", "pixel_format", "use_sim_time"}
    assert "no description given" not in running.words()
