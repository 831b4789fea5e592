# SPDX-License-Identifier: Apache-2.0
"""What config/ opens in RViz and Foxglove is there, and of the kind that it is shown as."""

import json
import re

import pytest
import yaml
from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
from node_helpers import astronaut, header, raw
from visualization_msgs.msg import Marker

from fer_ros.emotions.classes import COLOURS, EMOTIONS
from fer_ros.nodes.status_marker import status_marker

KINDS = {  # what shows a topic: the type of its messages
    "rviz_default_plugins/Image": "sensor_msgs/msg/Image",
    "rviz_default_plugins/Marker": "visualization_msgs/msg/Marker",
    "rviz_default_plugins/MarkerArray": "visualization_msgs/msg/MarkerArray",
    "DiagnosticSummary": "diagnostic_msgs/msg/DiagnosticArray",
    "Image": "sensor_msgs/msg/CompressedImage",
    "Plot": "fer_ros/msg/EmotionArray",
    "RawMessages": "fer_ros/msg/EmotionEvent",
    "StateTransitions": "fer_ros/msg/EmotionArray",
}


def rviz(repository):
    return yaml.safe_load((repository / "config/emotion.rviz").read_text())


def rviz_topics(repository):
    displays = rviz(repository)["Visualization Manager"]["Displays"]
    return {d["Topic"]["Value"]: d["Class"] for d in displays if "Topic" in d}


def foxglove(repository):
    return json.loads((repository / "config/foxglove.json").read_text())


def foxglove_topics(repository):
    found = {}
    for panel, config in foxglove(repository)["configById"].items():
        for topic in re.findall(r'"(/[a-z_/]+)', json.dumps(config)):
            found.setdefault(topic, panel.partition("!")[0])
    return found


@pytest.mark.parametrize("topics", [rviz_topics, foxglove_topics])
def test_topics_exist_with_their_types(bench, repository, topics):
    bench.start()
    existing = dict(bench.node.get_topic_names_and_types())
    shown = topics(repository)
    assert "/emotion_markers" in shown
    for topic, display in shown.items():
        if display == "3D":
            continue  # shows many kinds
        assert existing[topic] == [KINDS[display]], topic


def test_rviz_window_has_a_state_that_places_every_panel_and_image(repository):
    """Without one, all is stacked to the left, as wide as the widest panel, and the 3D view is a
    stripe.
    """
    config = rviz(repository)
    window = config["Window Geometry"]
    state = bytes.fromhex(window["QMainWindow State"])
    panels = {panel["Name"] for panel in config["Panels"]}
    assert panels == {"Displays", "Views"}  # a Time panel would be 980 pixels wide
    for name in {*panels, "Faces"}:
        assert name.encode("utf-16-be") in state
        assert window[name] == {"collapsed": False}
    assert (window["Width"], window["Height"]) == (1280, 800)


def test_rviz_knows_a_view_for_a_fixed_frame_whose_z_is_up(repository):
    views = rviz(repository)["Visualization Manager"]["Views"]
    (robot,) = views["Saved"]
    assert "base_link" in robot["Name"]
    assert robot["Pitch"] > 0 > views["Current"]["Pitch"]  # of a camera's frame, y is down


@pytest.mark.parametrize(("frame", "is_named"), [("face_1", True), ("left/gaze_fa1b2_1", False)])
def test_rviz_shows_one_name_at_each_face(repository, frame, is_named):
    """Its gaze frame has the same origin; the arrow shows where it looks."""
    displays = rviz(repository)["Visualization Manager"]["Displays"]
    (frames,) = (d for d in displays if d["Class"] == "rviz_default_plugins/TF")
    assert bool(re.search(frames["Filter (blacklist)"], frame)) == (not is_named)


def test_foxglove_shows_each_class_in_its_colour(repository):
    paths = foxglove(repository)["configById"]["Plot!probabilities"]["paths"]
    assert [p["label"] for p in paths] == list(EMOTIONS)
    for number, path in enumerate(paths):
        assert path["value"] == f"/emotions.faces[0].probabilities[{number}]"
        colour = COLOURS[path["label"]]
        assert tuple(bytes.fromhex(path["color"][1:])) == colour


def test_foxglove_lays_out_each_panel_once(repository):
    layout = foxglove(repository)

    def panels(part):
        return [part] if isinstance(part, str) else panels(part["first"]) + panels(part["second"])

    assert sorted(panels(layout["layout"])) == sorted(layout["configById"])


@pytest.mark.parametrize(
    "level", [DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR]
)
def test_status_marker(level):
    status = DiagnosticStatus(level=level, name="emotion_node", message="no image " * 20)
    status.values = [KeyValue(key="rate (Hz)", value="29.9"), KeyValue(key="errors", value="0")]
    marker = status_marker(status, "optical")
    lines = marker.text.splitlines()
    assert lines[0].startswith("emotion_node: no image")
    assert max(map(len, lines)) <= 60
    assert lines[-1] == "rate (Hz) 29.9"
    assert (marker.header.frame_id, marker.type) == ("optical", Marker.TEXT_VIEW_FACING)
    assert marker.color.a == 1
    assert (marker.color.g > marker.color.r) == (level == DiagnosticStatus.OK)


def test_status_is_shown_also_while_inactive(bench):
    bench.start(autostart=False)
    found = []
    bench.node.create_subscription(Marker, "status_marker", found.append, 1)
    bench.until(lambda: found)
    assert "unconfigured" in found[-1].text
    assert bench.transition("configure")
    assert bench.transition("activate")
    bench.process(bench.publisher(), raw(header(), astronaut()))
    bench.until(lambda: found[-1].header.frame_id == header().frame_id)
