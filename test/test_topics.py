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
COMMON_SERVICES = ("lifecycle_msgs/", "rcl_interfaces/", "type_description_interfaces/")


def absolute(name):
    return re.sub(r"^~", "/emotion_node", name) if name[0] in "/~" else f"/{name}"


def full(kind, part="msg"):
    return [kind.replace("/", f"/{part}/")]


def has(table, **parameters):
    """The topics that are there with these parameters and without a face."""
    return [t for t in table if "ID" not in t.name and set(t.needs) <= set(parameters.items())]


def hold(bench, node, expected):
    """Hold a node's topics to the table's: names, types, and reliability where it is fixed."""

    def found(names_and_types):
        return {n: t for n, t in names_and_types if n not in EVERY_NODE}

    for is_input in (True, False):
        ask = (
            bench.node.get_subscriber_names_and_types_by_node
            if is_input
            else bench.node.get_publisher_names_and_types_by_node
        )
        wanted = {absolute(t.name): full(t.kind) for t in expected if t.is_input == is_input}
        bench.until(
            lambda ask=ask, wanted=wanted: found(ask(node.get_name(), "/")) == wanted,
            f"{node.get_name()} to have {sorted(wanted)}",
        )
    for topic in expected:
        ends = (
            bench.node.get_subscriptions_info_by_topic
            if topic.is_input
            else bench.node.get_publishers_info_by_topic
        )(absolute(topic.name))
        policies = {e.qos_profile.reliability for e in ends if e.node_name == node.get_name()}
        if not topic.reliability.startswith("`"):
            name = topic.reliability.upper().replace(" ", "_")
            assert policies == {ReliabilityPolicy[name]}, topic.name


@pytest.mark.parametrize("transport", ["raw", "compressed"])
def test_emotion_node(bench, transport):
    node = bench.start(detector="haar", image_transport=transport)
    hold(bench, node, has(topics.EMOTION_NODE, image_transport=transport))


@pytest.mark.parametrize("name", PACKAGES)
def test_optional_topics(bench, message_package, name):
    message_package(PACKAGES[name])
    (topic,) = (t for t in topics.EMOTION_NODE if t.name == name)
    asked = dict(topic.needs)
    node = bench.start(detector="haar", **asked)
    hold(bench, node, has(topics.EMOTION_NODE, image_transport="raw", **asked))


def test_services(bench):
    bench.start(start=False)
    wanted = {absolute(s.name): full(s.kind, "srv") for s in topics.SERVICES}

    def found():
        services = bench.node.get_service_names_and_types_by_node("emotion_node", "/")
        return {n: t for n, t in services if not t[0].startswith(COMMON_SERVICES)}

    bench.until(lambda: found() == wanted, f"the services {sorted(wanted)}")


def test_expression_node(bench, message_package):
    message_package("hri_msgs")
    from fer_ros.nodes.expression_node import ExpressionNode

    node = ExpressionNode(context=bench.context, use_global_arguments=False)
    try:
        hold(bench, node, has(topics.EXPRESSION_NODE))
    finally:
        node.destroy_node()


def test_video_source(bench):
    from fer_ros.nodes.video_source import VideoSource

    node = VideoSource(context=bench.context, use_global_arguments=False)
    try:
        hold(bench, node, has(topics.VIDEO_SOURCE))
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
