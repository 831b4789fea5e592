# SPDX-License-Identifier: Apache-2.0
"""The SROS2 policy allows what the nodes do, and is the one that the tables make."""

import fnmatch
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from fer_ros.nodes import policy


def allowed(text, node):
    """{("topic", "publish"): [absolute names], ...} of a node of the root namespace."""
    profile = ElementTree.fromstring(text).find(f".//enclave[@path='/fer_ros/{node}']//profile")
    found = {}
    for rule in profile:
        (way,) = rule.attrib
        names = [f"/{name.text.replace('~', node).lstrip('/')}" for name in rule]
        found[rule.tag.removesuffix("s"), way] = names
    return found


def test_the_file_is_the_one_that_is_printed(repository):
    done = subprocess.run(
        [sys.executable, "-m", "fer_ros.nodes.policy"],
        cwd=repository, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == (repository / "config/sros2/policy.xml").read_text()


@pytest.mark.parametrize("transport", ["raw", "compressed"])
def test_emotion_node_does_what_it_allows(bench, repository, transport):
    node = bench.start(detector="haar", image_transport=transport)
    rules = allowed((repository / "config/sros2/policy.xml").read_text(), "emotion_node")
    does = {
        ("topic", "publish"): {end.topic_name for end in node.publishers},
        ("topic", "subscribe"): {end.topic_name for end in node.subscriptions},
        ("service", "reply"): {service.service_name for service in node.services},
        ("service", "request"): {client.srv_name for client in node.clients},
    }
    for rule, names in does.items():
        patterns = rules.get(rule, [])
        assert not [n for n in names if not any(fnmatch.fnmatchcase(n, p) for p in patterns)], rule
    assert "/emotions" in does["topic", "publish"]
    assert "/cmd_vel" not in rules["topic", "publish"]


def test_a_namespace_and_other_names():
    text = policy.render("/left", {"image_raw": "/camera/image"})
    assert '<profile ns="/left" node="emotion_node">' in text
    heard = allowed(text, "emotion_node")["topic", "subscribe"]
    assert {"/camera/image", "/camera/image/compressed"} <= set(heard)
    assert "/image_raw" not in heard


@pytest.mark.parametrize(
    "words",
    [
        ["image_raw"],
        ["image_raw:="],
        ["cmd_vel:=/a"],
        ["image_raw:=</topic>"],
        ["--namespace", "a"],
    ],
)
def test_refuses_what_is_no_name(repository, words):
    command = [sys.executable, "-m", "fer_ros.nodes.policy", *words]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "policy.py: error: " in done.stderr
    assert not done.stdout
