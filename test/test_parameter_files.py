# SPDX-License-Identifier: Apache-2.0
"""A parameter file whose keys match no node of the process is said to be dropped."""

import pytest
from node_helpers import parameters

from fer_ros.runtime.parameter_files import dropped_files, matches, nodes_in


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("emotion_node", False),
        ("/emotion_node", False),
        ("/left/emotion_node", True),
        ("left/emotion_node", True),
        ("/**", True),
        ("/**/emotion_node", True),
        ("/*/emotion_node", True),
        ("/*", False),
        ("/left/*", True),
        ("/**/video_source", False),
        ("/right/emotion_node", False),
    ],
)
def test_keys(key, expected):
    assert matches(key, "/left/emotion_node") == expected


def test_a_node_of_the_root():
    assert matches("emotion_node", "/emotion_node")
    assert matches("/**/emotion_node", "/emotion_node")


def test_namespaces_may_be_nested():
    content = {"left": {"emotion_node": {"ros__parameters": {"rotate": 90}}}, "/**": {"a": 1}}
    assert list(nodes_in(content)) == [("left/emotion_node", {"rotate": 90})]


def write(folder, text):
    path = folder / "my.yaml"
    path.write_text(text)
    return ["node", "--ros-args", "--params-file", str(path)]


OF_EMOTION_NODE = "emotion_node:\n  ros__parameters:\n    rotate: 90\n"


def test_the_line_names_the_keys_and_the_one_that_would_match(tmp_path):
    arguments = write(tmp_path, OF_EMOTION_NODE)
    (line,) = dropped_files(arguments, "/left/emotion_node")
    assert line.startswith(f"{tmp_path}/my.yaml is dropped: its keys (emotion_node)")
    assert line.endswith("write /left/emotion_node or /**/emotion_node")
    assert not list(dropped_files(arguments, "/emotion_node"))


def test_a_file_of_a_neighbour_is_passed_over(tmp_path):
    """A launch file gives one to all its nodes."""
    arguments = write(tmp_path, OF_EMOTION_NODE)
    assert not list(dropped_files(arguments, "/video_source", ["emotion_node"]))
    assert list(dropped_files(arguments, "/video_source"))


def test_a_file_of_all_nodes_in_another_namespace(tmp_path):
    """Each node took it for one of its neighbours', and nobody said a word."""
    text = "".join(OF_EMOTION_NODE.replace("emotion_node", n) for n in ("emotion_node", "web_view"))
    arguments = write(tmp_path, text)
    for name, other in (("emotion_node", "web_view"), ("web_view", "emotion_node")):
        (line,) = dropped_files(arguments, f"/left/{name}", [other])
        assert line.endswith(f"write /left/{name} or /**/{name}")
        assert not list(dropped_files(arguments, f"/{name}", [other]))


@pytest.mark.parametrize("text", ["", "- 1\n", "a: b: c\n", "just text\n"])
def test_what_is_no_parameter_file_is_left_to_rcl(tmp_path, text):
    assert not list(dropped_files(write(tmp_path, text), "/emotion_node"))


@pytest.mark.parametrize(("space", "dropped"), [("/left", True), ("/", False)])
def test_a_node_says_so(start, tmp_path, space, dropped):
    file = write(tmp_path, OF_EMOTION_NODE)[-1]
    node = start("emotion_node", *parameters(detector="haar"), "-r", f"__ns:={space}",
                 "--params-file", file)  # fmt: skip
    node.wait_for("listening")
    assert ("is dropped: its keys (emotion_node)" in node.words()) == dropped
