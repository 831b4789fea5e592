# SPDX-License-Identifier: Apache-2.0
"""The SROS2 policy allows what the nodes do, by their tables and when they run, and no more."""

import fnmatch
import re
import subprocess
from xml.etree import ElementTree

import pytest

from fer_ros.nodes.topics import TABLES, Service, Topic

pytestmark = pytest.mark.ros
POLICY = "config/sros2/policy.xml"
NODES = ("emotion_node", "expression_node", "video_source", "web_view")
MANAGED = ("emotion_node", "expression_node")
PARAMETERS = {
    f"~/{name}"
    for name in ("describe_parameters", "get_parameter_types", "get_parameters", "list_parameters",
                 "set_parameters", "set_parameters_atomically", "get_type_description")
}  # fmt: skip
LIFECYCLE = {
    f"~/{name}"
    for name in ("change_state", "get_available_states", "get_available_transitions", "get_state",
                 "get_transition_graph")
}  # fmt: skip
REQUESTED = {"web_view": {"emotion_node/get_parameters", "emotion_node/set_parameters"}}


def allowed(text, node):
    """{("topic", "publish"): {names}, ...} of a node, as written."""
    profile = ElementTree.fromstring(text).find(f".//enclave[@path='/fer_ros/{node}']//profile")
    found = {}
    for rule in profile:
        (way,) = rule.attrib
        found[rule.tag.removesuffix("s"), way] = {name.text for name in rule}
    return found


def by_tables(node):
    """The same by the tables of topics and services, and what every node of rclpy has."""
    topics = [row for row in TABLES[node] if isinstance(row, Topic)]
    services = [row for row in TABLES.get(f"{node} services", ()) if isinstance(row, Service)]
    names = {is_input: {t.name.replace("ID", "*") for t in topics if t.is_input == is_input}
             for is_input in (True, False)}  # fmt: skip
    managed = node in MANAGED
    found = {
        ("topic", "subscribe"): names[True] | {"/clock"},
        ("topic", "publish"): names[False] | {"/rosout", "/parameter_events"}
        | ({"~/transition_event"} if managed else set()),
        ("service", "reply"): {s.name for s in services} | PARAMETERS
        | (LIFECYCLE if managed else set()),
    }  # fmt: skip
    return found | ({("service", "request"): REQUESTED[node]} if node in REQUESTED else {})


@pytest.mark.parametrize("node", NODES)
def test_it_is_what_the_tables_say(repository, node):
    assert allowed((repository / POLICY).read_text(), node) == by_tables(node)


def absolute(names, node="emotion_node", space=""):
    return {
        name if name.startswith("/") else f"{space}/{name.replace('~', node)}" for name in names
    }


def what_it_does(node):
    return {
        ("topic", "publish"): {end.topic_name for end in node.publishers},
        ("topic", "subscribe"): {end.topic_name for end in node.subscriptions},
        ("service", "reply"): {service.service_name for service in node.services},
        ("service", "request"): {client.srv_name for client in node.clients},
    }


def check(text, node, optional, space=""):
    """Both ways: it does what is allowed, and what is allowed it does, but for the optional."""
    rules = allowed(text, "emotion_node")
    for rule, does in what_it_does(node).items():
        may = absolute(rules.get(rule, ()), space=space)
        assert not {n for n in does if not any(fnmatch.fnmatchcase(n, p) for p in may)}, rule
        assert may - does <= absolute(optional, space=space), rule


OPTIONAL = {t.name.replace("ID", "*") for t in TABLES["emotion_node"] if t.comes_and_goes}
OPTIONAL |= {"/clock"}  # with use_sim_time
OPTIONAL |= {"/rosout", "~/transition_event"}  # which rcl makes, out of rclpy's sight


@pytest.mark.parametrize("transport", ["raw", "compressed"])
def test_emotion_node_does_what_it_allows_and_all_of_it(bench, repository, transport):
    node = bench.start(detector="haar", image_transport=transport)
    check((repository / POLICY).read_text(), node, OPTIONAL)


def test_the_line_in_the_docs_makes_it_that_of_another_launch(bench, repository, tmp_path):
    """In a namespace, with the camera's topic remapped, camera_info follows the images."""
    page = (repository / "docs/security.md").read_text()
    (line,) = re.findall(r"^ *(sed -e .*?) *$", page.replace("\\\n", ""), re.MULTILINE)
    line = line.replace("$(ros2 pkg prefix --share fer_ros)", str(repository))
    subprocess.run(line, shell=True, cwd=tmp_path, check=True)
    text = (tmp_path / "left.xml").read_text()
    assert '<profile ns="/left" node="emotion_node">' in text
    node = bench.start(
        "-r", "__ns:=/left", "-r", "image_raw:=/camera/color/image_raw", detector="haar"
    )
    subscribed = what_it_does(node)["topic", "subscribe"]
    assert {"/camera/color/image_raw", "/camera/color/camera_info"} <= subscribed
    # The annotated image follows nobody; depth and the compressed stream are optional still.
    others = {"/camera/color/image_raw/compressed"}
    check(text, node, OPTIONAL | others, space="/left")
