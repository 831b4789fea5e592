# SPDX-License-Identifier: Apache-2.0
"""The tables of topics and services say what the nodes really have."""

import re
import subprocess
import sys

import pytest
from rclpy.qos import ReliabilityPolicy

from fer_ros.nodes import topics

PACKAGES = {"/tf": "tf2_msgs", "detections": "vision_msgs", "humans/faces/tracked": "hri_msgs"}
EVERY_NODE = {"/parameter_events", "/rosout", "/emotion_node/transition_event"}
EVERY_NODE |= {"/expression_node/transition_event"}
COMMON_SERVICES = ("lifecycle_msgs/", "rcl_interfaces/", "type_description_interfaces/")


def absolute(name, node="emotion_node"):
    return re.sub(r"^~", f"/{node}", name) if name[0] in "/~" else f"/{name}"


def full(kind, part="msg"):
    return [kind.replace("/", f"/{part}/")]


def has(table, **parameters):
    """The topics that are there with these parameters and without a face."""
    return [t for t in table if "ID" not in t.name and set(t.needs) <= set(parameters.items())]


def type_name(message, part="msg"):
    return f"{message.__module__.partition('.')[0]}/{part}/{message.__name__}"


def hold(bench, node, expected):
    """Hold a node's topics to the table's: names, types, and reliability where it is fixed."""
    for ends, is_input in ((node.subscriptions, True), (node.publishers, False)):
        wanted = {absolute(t.name): t for t in expected if t.is_input == is_input}

        def own(ends=ends):
            return {e.topic_name: e for e in ends if e.topic_name not in EVERY_NODE}

        bench.until(lambda own=own, wanted=wanted: own().keys() == wanted.keys(), sorted(wanted))
        for name, end in own().items():
            assert [type_name(end.msg_type)] == full(wanted[name].kind), name
            if not wanted[name].reliability.startswith("`"):
                policy = wanted[name].reliability.upper().replace(" ", "_")
                assert end.qos_profile.reliability == ReliabilityPolicy[policy], name


@pytest.mark.parametrize("transport", ["raw", "compressed"])
def test_emotion_node(bench, transport):
    node = bench.start(detector="haar", image_transport=transport)
    hold(bench, node, has(topics.EMOTION_NODE_TOPICS, image_transport=transport))


@pytest.mark.parametrize("name", PACKAGES)
def test_optional_topics(bench, message_package, name):
    message_package(PACKAGES[name])
    (topic,) = (t for t in topics.EMOTION_NODE_TOPICS if t.name == name)
    asked = dict(topic.needs)
    node = bench.start(detector="haar", **asked)
    hold(bench, node, has(topics.EMOTION_NODE_TOPICS, image_transport="raw", **asked))


@pytest.mark.parametrize("transport", ["raw", "compressed"])
def test_page_names_every_topic_whose_qos_can_be_overridden(bench, repository, transport):
    node = bench.start(detector="haar", image_transport=transport)
    found = {name.partition(".")[0][1:] for name in node.get_parameters_by_prefix("qos_overrides")}
    text = (repository / "docs/topics.md").read_text()
    sentence = text[text.index("QoS overrides are on") :].partition(":")[0]
    named = set(re.findall("`([^`]+)`", sentence))
    assert {name for name in found if not name.startswith("image_raw")} == named
    assert "the image topic" in sentence


def hold_services(node, expected):
    found = {s.service_name: [type_name(s.srv_type, "srv")] for s in node.services}
    own = {n: t for n, t in found.items() if not t[0].startswith(COMMON_SERVICES)}
    name = node.get_name()
    assert own == {absolute(s.name, name): full(s.kind, "srv") for s in expected}


def test_services(bench):
    hold_services(bench.start(start=False), topics.SERVICES)


def test_expression_node(bench, message_package):
    message_package("hri_msgs")
    from fer_ros.nodes.expression_node import ExpressionNode

    node = ExpressionNode(context=bench.context, use_global_arguments=False)
    assert node.start()
    try:
        hold(bench, node, has(topics.EXPRESSION_NODE_TOPICS))
        hold_services(node, topics.TABLES["expression_node services"])
    finally:
        node.destroy_node()


def test_video_source(bench):
    from fer_ros.nodes.video_source import VideoSource

    node = VideoSource(context=bench.context, use_global_arguments=False)
    try:
        hold(bench, node, has(topics.VIDEO_SOURCE_TOPICS))
    finally:
        node.destroy_node()


@pytest.mark.parametrize("title", topics.TABLES)
def test_page_has_the_table(repository, title):
    text = (repository / "docs/topics.md").read_text()
    marked = re.search(rf"<!-- topics: {title} -->\n(.*?)<!-- end -->", text, re.DOTALL)
    assert marked, f"docs/topics.md lacks the markers of {title}"
    assert marked.group(1).strip() == topics.markdown(topics.TABLES[title])


def test_prints_the_tables(repository):
    text = subprocess.run(
        [sys.executable, "-m", "fer_ros.nodes.topics"],
        cwd=repository, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert all(topics.markdown(table) in text for table in topics.TABLES.values())
