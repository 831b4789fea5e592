# SPDX-License-Identifier: Apache-2.0
"""The launch files, as `ros2 launch` runs them: nodes, arguments, ends and exit statuses."""

import os
import re
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("launch_ros", reason="launch is not installed: it does not come as a wheel")
pytest.importorskip("ros2launch", reason="ros2 launch is not installed")

from node_helpers import PYTHONPATH, REPOSITORY, Command

EMOTION = REPOSITORY / "launch/emotion.launch.py"
ROS2 = (sys.executable, str(Path(sys.executable).with_name("ros2")))
if not Path(ROS2[1]).exists():
    ROS2 = (shutil.which("ros2"),)


class Launch(Command):
    """One `ros2 launch`; the nodes run from the source tree."""

    def __init__(self, folder, file, *arguments, **environment):
        environment = {
            "FASTRTPS_DEFAULT_PROFILES_FILE": None,
            "FASTDDS_DEFAULT_PROFILES_FILE": None,
            "PYTHONPATH": PYTHONPATH,
            "ROS_LOG_DIR": str(folder / "log"),
            **environment,
        }
        words = (*ROS2, "launch", str(file), *arguments)
        super().__init__(folder / "launch.log", *words, cwd=folder, **environment)

    def interrupt(self):
        """Ctrl-C; the exit status."""
        self.signal(signal.SIGINT)
        return self.wait()

    def close(self):
        if not self.has_ended():
            self.interrupt()


@pytest.fixture
def launch(tmp_path):
    launches = []

    def start(file, *arguments, **environment):
        launches.append(Launch(tmp_path, file, *arguments, **environment))
        return launches[-1]

    yield start
    for each in launches:
        each.close()


@pytest.fixture
def packages(tmp_path):
    """Environment in which usb_cam and rviz2 seem installed: programs that say how they
    were called. Their exit status is that in the file ``status``.
    """
    prefix = install_programs(tmp_path)
    return {
        "AMENT_PREFIX_PATH": f"{prefix}:{os.environ['AMENT_PREFIX_PATH']}",
    }


def install_programs(tmp_path):
    """The prefix in the folder, with them in it."""
    prefix = tmp_path / "prefix"
    index = prefix / "share/ament_index/resource_index/packages"
    index.mkdir(parents=True, exist_ok=True)
    for package, program in (
        ("usb_cam", "lib/usb_cam/usb_cam_node_exe"),
        ("rviz2", "lib/rviz2/rviz2"),
    ):
        (index / package).touch()
        path = prefix / program
        path.parent.mkdir(parents=True)
        path.write_text(
            '#!/bin/sh\necho "CALLED $*"\n'
            'echo "$(basename "$0") PROFILE $FASTRTPS_DEFAULT_PROFILES_FILE"\n'
            'for f in "$@"; do case $f in /tmp/launch_params*) cat "$f";; esac; done\n'
            f'exit "$(cat {tmp_path}/status)"\n'
        )
        path.chmod(0o755)
    (tmp_path / "status").write_text("0")
    return prefix


@pytest.fixture
def bare(tmp_path):
    """Environment in which no camera driver, RViz and rosbag2 are installed, though they may be."""
    missing = {"usb_cam", "v4l2_camera", "rviz2", "ros2bag"}
    prefixes = []
    for number, prefix in enumerate(os.environ["AMENT_PREFIX_PATH"].split(os.pathsep)):
        index = tmp_path / f"bare{number}" / "share/ament_index/resource_index"
        index.mkdir(parents=True)
        for part in (
            Path(prefix),
            Path(prefix, "share"),
            *Path(prefix).glob("share/*/resource_index"),
        ):
            for entry in part.iterdir():
                place = tmp_path / f"bare{number}" / entry.relative_to(prefix)
                if not place.exists() and entry.name != "packages":
                    place.symlink_to(entry)
        (index / "packages").mkdir()
        for entry in Path(prefix).glob("share/ament_index/resource_index/packages/*"):
            if entry.name not in missing:
                (index / "packages" / entry.name).touch()
        prefixes.append(str(tmp_path / f"bare{number}"))
    return {"AMENT_PREFIX_PATH": os.pathsep.join(prefixes), "ROS_DISTRO": "jazzy"}


def ended_cleanly(launch):
    status = launch.interrupt()
    assert "Traceback" not in launch.words(), launch.words()
    assert launch.words().count("finished cleanly") == launch.words().count("process started")
    return status == 0


def test_video_and_two_transports(launch, meet):
    """The whole way, in a namespace, with every argument that says what goes where."""
    running = launch(
        EMOTION, "camera:=video", "source:=sample", "image_topic:=front/image",
        "image_transport:=compressed", "namespace:=robot", "detector:=haar",
    )  # fmt: skip
    running.wait_for("listening to /robot/front/image/compressed")
    bench = meet("/robot")
    bench.until(lambda: bench.results)
    assert bench.results[-1].header.frame_id == "camera"
    assert bench.get("detector") == "haar"
    assert bench.get("image_transport") == "compressed"
    for _ in range(2):
        assert bench.transition("deactivate")
        assert bench.transition("activate")
    assert bench.set("max_faces", 1).successful
    assert not bench.set("rotate", 45).successful
    bench.results.clear()
    bench.until(lambda: bench.results)
    assert ended_cleanly(running)


def test_autostart_false_and_log_level(launch, meet):
    running = launch(EMOTION, "camera:=none", "autostart:=false", "log_level:=debug")
    running.wait_for("[DEBUG]")
    bench = meet()
    assert bench.state() == "unconfigured"
    assert bench.transition("configure")
    assert bench.transition("activate")
    assert ended_cleanly(running)


def test_params_file_holds_unless_an_argument_says_otherwise(launch, meet, tmp_path):
    (tmp_path / "my.yaml").write_text(
        "/**/emotion_node:\n  ros__parameters:\n"
        "    detector: haar\n    max_faces: 3\n    image_transport: compressed\n"
        "    autostart: false\n    use_sim_time: false\n"
    )
    running = launch(
        EMOTION, "camera:=none", "params_file:=my.yaml", "image_transport:=raw",
        "autostart:=true", "use_sim_time:=true",
    )  # fmt: skip
    running.wait_for("listening to /image_raw\n")
    bench = meet()
    wanted = {"detector": "haar", "max_faces": 3, "image_transport": "raw", "use_sim_time": True}
    assert {name: bench.get(name) for name in wanted} == wanted
    assert ended_cleanly(running)


def test_params_file_holds_for_the_camera_too(launch, meet, tmp_path):
    (tmp_path / "my.yaml").write_text(
        "/**/video_source:\n  ros__parameters:\n    source: eyes\n    frame_id: head\n"
    )
    cv2.imwrite(str(tmp_path / "eyes.png"), np.zeros((48, 64, 3), np.uint8))
    (tmp_path / "eyes").mkdir()
    (tmp_path / "eyes.png").rename(tmp_path / "eyes/1.png")
    running = launch(EMOTION, "camera:=video", "params_file:=my.yaml")
    running.wait_for("eyes at 1 Hz")
    bench = meet()
    bench.until(lambda: bench.results)
    assert bench.results[-1].header.frame_id == "head"
    assert ended_cleanly(running)


def test_each_camera_may_have_its_frame(launch, meet):
    running = launch(EMOTION, "camera:=video", "namespace:=left", "frame_id:=left_eye")
    running.wait_for("listening")
    bench = meet("/left")
    bench.until(lambda: bench.results)
    assert bench.results[-1].header.frame_id == "left_eye"
    assert ended_cleanly(running)


def test_what_is_rarely_wanted_is_an_argument_too(launch, meet, tmp_path):
    (tmp_path / "my.yaml").write_text(
        "/**/emotion_node:\n  ros__parameters:\n    face_frames: true\n    detections: true\n"
    )
    running = launch(
        EMOTION, "camera:=none", "params_file:=my.yaml", "autostart:=false",
        "ros4hri:=true", "detections:=false", "detector_model:=/my/yunet.onnx",
    )  # fmt: skip
    running.wait_for("process started")
    bench = meet()
    wanted = {"ros4hri": True, "detections": False, "face_frames": True,
              "detector_model": "/my/yunet.onnx"}  # fmt: skip
    assert {name: bench.get(name) for name in wanted} == wanted
    assert ended_cleanly(running)


def test_broken_model_leaves_the_node_alive(launch, meet):
    running = launch(EMOTION, "camera:=none", "model:=/no/such.tflite")
    running.wait_for("not configured: no model file /no/such.tflite")
    bench = meet()
    assert bench.state() == "unconfigured"
    assert bench.set("model", "").successful
    assert bench.transition("configure")
    assert ended_cleanly(running)


@pytest.mark.parametrize(
    ("file", "arguments", "words"),
    [
        (EMOTION, [], ["ros-jazzy-usb-cam", "camera:=video"]),
        (EMOTION, ["camera:=v4l2_camera"], ["ros-jazzy-v4l2-camera", "camera:=video"]),
        (EMOTION, ["camera:=eye"], ["'usb_cam', 'v4l2_camera', 'video', 'none'"]),
        (
            EMOTION,
            ["camera:=none", "modle:=small"],
            ["unknown launch argument modle", "mean model?"],
        ),
        (EMOTION, ["camera:=none", "rviz:=true"], ["ros-jazzy-rviz2", "rviz:=true"]),
        (EMOTION, ["camera:=none", "params_file:=no.yaml"], ["params_file: no file no.yaml"]),
        (EMOTION, ["camera:=none", "record:=all", "record_to:=/tmp"], ["record_to: /tmp exists"]),
        (EMOTION, ["camera:=none", "params_file:=~/no.yaml"], [f"no file {Path.home()}/no.yaml"]),
    ],
    ids=["usb_cam", "v4l2_camera", "choice", "typo", "rviz", "params_file", "record_to", "home"],
)
def test_refuses_to_start(launch, bare, file, arguments, words):
    """One line that says why and what to do, before anything is started."""
    running = launch(file, *arguments, **bare)
    assert running.wait() == 1
    lines = [line for line in running.words().splitlines() if "Caught exception" in line]
    assert len(lines) == 1
    assert all(word in lines[0] for word in words)
    assert "process started" not in running.words()
    assert "Traceback" not in running.words()


def test_wrong_parameter_fails_the_launch(launch, tmp_path):
    (tmp_path / "my.yaml").write_text("/**/emotion_node:\n  ros__parameters:\n    max_faces: 0\n")
    running = launch(EMOTION, "camera:=none", "params_file:=my.yaml")
    assert running.wait() == 1
    assert "max_faces" in running.words()
    assert "emotion_node ended with exit status 1" in running.words()


def test_source_that_cannot_be_opened_is_said_and_fails_the_launch(launch):
    running = launch(EMOTION, "camera:=video", "source:=/no/such.mp4")
    reason = "no such file or folder: /no/such.mp4 (give a camera index"
    running.wait_for(f"video_source ended with exit status 1: {reason}")
    running.wait_for("listening")  # emotion_node works on
    assert running.interrupt() == 1
    assert "Traceback" not in running.words()


def test_camera_driver_that_dies_fails_the_launch(launch, packages, tmp_path):
    (tmp_path / "status").write_text("4")
    running = launch(EMOTION, "video_device:=/dev/video97", **packages)
    running.wait_for("usb_cam_node_exe ended with exit status 4")
    assert "video_device /dev/video97 is absent" in running.words()
    running.wait_for("listening")
    assert running.interrupt() == 1


def test_a_node_that_dies_ends_nobody_elses(launch, tmp_path):
    """A failure in ours shows in the exit status, and the neighbour is ended as launch does it."""
    file = including(tmp_path, camera="video", source="/no/such.mp4")
    file.write_text(
        file.read_text()
        .replace("echo NEI", "trap 'echo TOLD; exit 0' INT; echo NEI")
        .replace("PROFILES_FILE.", "PROFILES_FILE.; while :; do sleep 0.1; done")
    )
    running = launch(file)
    running.wait_for("video_source ended with exit status 1")
    running.wait_for("listening")
    assert running.interrupt() == 1
    assert "TOLD" in running.words()


def children(launch) -> dict[str, int]:
    """The process of each of our nodes that the launch runs."""
    found = {}
    for pid in Path(f"/proc/{launch.pid}/task/{launch.pid}/children").read_text().split():
        with suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
            names = ("emotion_node", "video_source", "record", "web_view")
            found |= {n: int(pid) for n in names for w in words if w.endswith(f"/lib/fer_ros/{n}")}
    return found


def test_respawn_starts_a_node_that_died_again(launch, meet):
    running = launch(EMOTION, "camera:=video", "respawn:=true")
    running.wait_for("listening")
    for name in ("emotion_node", "video_source"):
        os.kill(children(running)[name], signal.SIGKILL)
        running.wait_for(f"{name} ended with exit status -9; see above; it restarts")
    bench = meet()
    bench.until(lambda: bench.results, "results of the new nodes")
    assert running.words().count("listening") == 2
    assert running.interrupt() == 0


def test_respawn_holds_for_the_web_view(launch):
    pytest.importorskip("aiohttp", reason="aiohttp is not installed")
    running = launch(EMOTION, "camera:=none", "web:=true", "respawn:=true")
    running.wait_for("is shown at")
    os.kill(children(running)["web_view"], signal.SIGKILL)
    running.wait_for("web_view ended with exit status -9; see above; it restarts")
    assert running.interrupt() == 0


@pytest.mark.parametrize("name", ["emotion_node", "video_source"])
def test_on_exit_shutdown_ends_the_launch_with_the_node(launch, name):
    running = launch(EMOTION, "camera:=video", "on_exit:=shutdown")
    running.wait_for("listening")
    os.kill(children(running)[name], signal.SIGKILL)
    assert running.wait() == 1
    assert f"{name} ended with exit status -9; see above" in running.words()
    assert "Traceback" not in running.words()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        # The other node is told to end in the middle of its start.
        (["camera:=video", "source:=/no/such.mp4"], "no such file or folder: /no/such.mp4"),
        (
            ["camera:=video", "model:=/no/such.tflite", "exit_on_failure:=True"],
            "emotion_node ended with exit status 1: not configured: no model file /no/such.tflite",
        ),
    ],
    ids=["camera", "emotion_node"],
)
def test_the_reason_of_an_end_is_the_last_line(launch, words, reason):
    running = launch(EMOTION, *words, "on_exit:=shutdown")
    assert running.wait() == 1
    assert reason in running.words().splitlines()[-1]
    assert "Traceback" not in running.words()
    assert "RCLError" not in running.words()


def test_the_reason_is_the_last_line_also_beside_another_camera(launch, tmp_path):
    """Each camera's include knows its own ends alone."""
    file = tmp_path / "two.launch.xml"
    words = '<arg name="camera" value="video"/> <arg name="source" value="{}"/>'
    one = f'<group><include file="{EMOTION}">{words}<arg name="namespace" value="{{}}"/>'
    two = [one.format("/no/such.mp4", "left"), one.format("sample", "right")]
    file.write_text(f"<launch>{''.join(each + '</include></group>' for each in two)}</launch>")
    running = launch(file)
    running.wait_for("video_source ended with exit status 1: no such file or folder: /no/such.mp4")
    running.wait_for("listening to /right/image_raw")
    assert running.interrupt() == 1
    assert "no such file or folder: /no/such.mp4" in running.words().splitlines()[-1]


def test_a_dead_emotion_node_leaves_the_camera_alone(launch):
    running = launch(EMOTION, "camera:=video")
    running.wait_for("listening")
    os.kill(children(running)["emotion_node"], signal.SIGKILL)
    running.wait_for("emotion_node ended with exit status -9")
    assert "video_source" in children(running)
    assert running.interrupt() == 1


def test_arguments_of_an_including_file_are_its_own(launch, tmp_path):
    running = launch(including(tmp_path, camera="none"), "robot:=rosie")
    running.wait_for("listening")
    assert ended_cleanly(running)


def test_unknown_parameter_in_the_file_is_named(launch, tmp_path):
    (tmp_path / "my.yaml").write_text("/**/emotion_node:\n  ros__parameters:\n    max_facez: 3\n")
    running = launch(EMOTION, "camera:=none", "params_file:=my.yaml", "face_frames:=false")
    running.wait_for("no parameter max_facez: did you mean max_faces?")
    running.wait_for("listening")
    assert running.words().count("no parameter") == 1
    assert ended_cleanly(running)


def test_camera_driver_gets_its_settings(launch, packages):
    given = "video_device:=/dev/video7", "pixel_format:=yuyv", "frame_id:=eye"
    running = launch(EMOTION, *given, **packages)
    running.wait_for("listening")
    running.wait_for("frame_id: eye")
    assert "__node:=usb_cam" in running.words()  # as the parameter file has it
    assert "video_device: /dev/video7" in running.words()
    assert "pixel_format: yuyv" in running.words()
    assert running.interrupt() == 0


INCLUDING = """
from launch import LaunchDescription
from launch.actions import ExecuteProcess, IncludeLaunchDescription
def generate_launch_description():
    return LaunchDescription([
        IncludeLaunchDescription("{file}", launch_arguments={arguments}.items()),
        ExecuteProcess(cmd=["sh", "-c", "echo NEIGHBOUR $FASTRTPS_DEFAULT_PROFILES_FILE."],
                       output="screen"),
    ])
"""


def including(folder, **arguments):
    """A launch file that includes ours and starts a node of its own after it."""
    file = folder / "bringup.launch.py"
    file.write_text(INCLUDING.format(file=EMOTION, arguments=arguments))
    return file


@pytest.mark.parametrize("transport", ["udp", "shm"])
def test_fast_dds_profile_is_set_for_our_nodes_alone(launch, packages, tmp_path, transport):
    words = {"transport": transport, "record": "emotions", "rviz": "true"}
    running = launch(including(tmp_path, **words), **packages)
    running.wait_for("listening")
    running.wait_for("NEIGHBOUR .")
    name = {"udp": "fastdds.xml", "shm": "fastdds_shm.xml"}[transport]
    running.wait_for("usb_cam_node_exe PROFILE")
    running.wait_for("rviz2 PROFILE")
    for line in (w for w in running.words().splitlines() if " PROFILE " in w):
        assert line.endswith(name)
    seen = {
        node: name in Path(f"/proc/{pid}/environ").read_text()
        for node, pid in children(running).items()
    }
    assert seen == {"emotion_node": True, "record": True}
    assert ended_cleanly(running)


def test_fast_dds_profile_of_the_user_stays(launch, packages):
    own = {"FASTRTPS_DEFAULT_PROFILES_FILE": "/my/profile.xml"}
    running = launch(EMOTION, **packages, **own)
    running.wait_for("usb_cam_node_exe PROFILE /my/profile.xml")


def test_an_environment_that_voids_the_profile_is_named_once(launch):
    running = launch(EMOTION, "camera:=none", ROS_AUTOMATIC_DISCOVERY_RANGE="LOCALHOST")
    running.wait_for("listening")
    assert running.words().count("unset ROS_AUTOMATIC_DISCOVERY_RANGE") == 1
    assert "[WARNING] [fer_ros]" in running.words()


def arguments(words) -> set[str]:
    """The names that --show-args lists."""
    return set(re.findall(r"^    '(\w+)':", words, re.MULTILINE))


def test_show_args(launch):
    """Every argument has a description, and its default and choices where it has them."""
    running = launch(EMOTION, "--show-args")
    assert running.wait() == 0
    words = running.words()
    assert "no description given" not in words
    assert {"camera", "source", "params_file", "use_sim_time", "ros4hri"} <= arguments(words)
    assert "Valid choices are: ['usb_cam', 'v4l2_camera', 'video', 'none']" in words
    assert "(default: 'usb_cam')" in words
