# SPDX-License-Identifier: Apache-2.0
"""``rviz:=true``: RViz is started with the time, the topics and a fixed frame that fit."""

import re
from pathlib import Path

import pytest
import yaml

pytest.importorskip("launch_ros", reason="launch is not installed: it does not come as a wheel")

from test_launch import EMOTION, including, launch, packages  # noqa: F401 - fixtures

LAYOUT = EMOTION.parents[1] / "config/emotion.rviz"


@pytest.fixture
def opened(launch, packages):  # noqa: F811
    """Launches with RViz; gives the launch once that was called."""

    def start(*words, file=EMOTION):
        running = launch(file, *words, **packages)
        running.wait_for("emotion.rviz")
        return running

    return start


def test_topics_of_a_namespace(opened):
    running = opened("camera:=none", "rviz:=true", "namespace:=left", "rviz_frame:=base_link")
    for topic in ("image_annotated", "emotion_markers", "status_marker"):
        running.wait_for(f"/{topic}:=/left/{topic}")


@pytest.mark.parametrize("given", ["true", "True", "false", "False"])
def test_time_is_that_of_the_nodes(opened, given):
    running = opened("camera:=none", "rviz:=True", "rviz_frame:=eye", f"use_sim_time:={given}")
    running.wait_for(f"use_sim_time: {given.lower()}")


def test_the_fixed_frame_is_that_of_the_first_image(opened, tmp_path):
    (tmp_path / "my.yaml").write_text("/**/video_source:\n  ros__parameters:\n    frame_id: head\n")
    running = opened("camera:=video", "rviz:=true", "namespace:=robot", "params_file:=my.yaml")
    running.wait_for("emotion.rviz -f head")


@pytest.mark.parametrize(
    ("words", "frame"),
    [
        (["rviz_frame:=base_link"], "base_link"),
        (["frame_id:=left_eye"], "left_eye"),
        (["rviz_frame:=base_link", "frame_id:=left_eye"], "base_link"),
    ],
)
def test_a_frame_that_is_given_is_not_asked_for(opened, words, frame):
    opened("camera:=none", "rviz:=true", *words).wait_for(f"emotion.rviz -f {frame}")


@pytest.mark.parametrize(
    ("frame", "is_robots"),
    [("base_link", True), ("camera_color_optical_frame", False), ("/camera", False)],
)
def test_a_robots_frame_is_seen_from_behind_the_robot(opened, tmp_path, frame, is_robots):
    running = opened("camera:=none", "rviz:=true", f"rviz_frame:={frame}")
    (file,) = re.findall(r"CALLED -d (\S+)", running.words())
    opened_with, ours = (yaml.safe_load(Path(f).read_text()) for f in (file, LAYOUT))
    manager = ours["Visualization Manager"]
    if is_robots:
        manager["Views"]["Current"] = {**manager["Views"]["Saved"][0], "Name": "Current View"}
        manager["Displays"][0]["Plane"] = "XY"
    assert opened_with == ours


def test_without_an_image_rviz_opens_in_the_end(opened):
    running = opened("camera:=none", "rviz:=true")
    running.wait_for("emotion.rviz -f camera")
    assert "no result for 10 s: RViz opens with the fixed frame camera" in running.words()


@pytest.mark.parametrize("arguments", [{"use_sim_time": "True"}, {"use_sim_time": "true"}])
def test_switches_are_taken_through_an_include(opened, tmp_path, arguments):
    words = {"camera": "none", "rviz": "True", "rviz_frame": "eye", "record": "none", **arguments}
    running = opened(file=including(tmp_path, **words))
    running.wait_for("use_sim_time: true")
    running.wait_for("listening")
    assert running.interrupt() == 0


TWO = """
<launch>
  <group>
    <include file="{file}">
      <arg name="camera" value="video"/> <arg name="rviz" value="true"/>
      <arg name="namespace" value="left"/> <arg name="params_file" value="left.yaml"/>
    </include>
  </group>
  <group>
    <push-ros-namespace namespace="robot"/>
    <include file="{file}">
      <arg name="camera" value="video"/> <arg name="rviz" value="true"/>
      <arg name="namespace" value="right/"/>
    </include>
  </group>
</launch>
"""


def test_two_cameras_in_one_launch_have_a_window_each(launch, packages, tmp_path):  # noqa: F811
    """Each with the topics and the first frame of its own camera, and the window says whose."""
    (tmp_path / "left.yaml").write_text("/**/video_source: {ros__parameters: {frame_id: eye}}\n")
    (tmp_path / "two.launch.xml").write_text(TWO.format(file=EMOTION))
    running = launch(tmp_path / "two.launch.xml", **packages)
    for namespace, frame in (("/left", "eye"), ("/robot/right", "camera")):
        running.wait_for(f"emotion.rviz -f {frame} -t {namespace}/emotions - RViz --ros-args")
        running.wait_for(f"__ns:={namespace} ")
        for topic in ("image_annotated", "emotion_markers", "status_marker"):
            running.wait_for(f"/{topic}:={namespace}/{topic}")
    assert running.words().count("CALLED") == 2
    assert running.interrupt() == 0
    assert "Caught exception" not in running.words()
