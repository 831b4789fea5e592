# SPDX-License-Identifier: Apache-2.0
"""``--help`` of every executable, and what the nodes say to words that they do not know."""

import subprocess
import sys

import pytest
import rclpy
from node_helpers import REPOSITORY, WAIT
from source_files import console_scripts

from fer_ros.cli.node_process import module_of
from fer_ros.nodes import topics
from fer_ros.nodes.run import run_node
from fer_ros.nodes.usage import NODES, WIDTH, usage

WORDS = {
    "demo": "--source 0|emotions.jsonl|report.html|--detector|examples:",
    "evaluate_bag": "--compare|start,end,id,expression|report.html|hysteresis|examples:",
    "record": "--all|mind the people|ros2 bag play|--topics",
    "evaluate_bags": "--scheduler|tls://|summary.csv|not evaluated again",
}
"""What the tools' help is to teach."""


@pytest.mark.parametrize(("name", "target"), console_scripts().items())
def test_every_executable_answers_help(name, target):
    module, _, function = target.partition(":")
    code = f"import sys; from {module} import {function}; sys.exit({function}())"
    told = subprocess.run(
        [sys.executable, "-c", code, "--help"],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=WAIT, check=False,
    )  # fmt: skip
    assert told.returncode == 0
    assert told.stdout.startswith("usage: ")
    assert name in told.stdout
    assert all(word in told.stdout for word in WORDS.get(name, "").split("|"))
    assert not told.stderr


def test_there_is_a_text_for_every_node():
    modules = {name: target.partition(":")[0] for name, target in console_scripts().items()}
    assert NODES.keys() == {name for name, module in modules.items() if module == module_of(name)}


@pytest.mark.parametrize("node", NODES)
def test_has_the_tables(node):
    text = usage(node)
    words = text.split()
    _, table, *examples = NODES[node]
    for row in table:
        assert f" {row.name} = " in text
        assert set(row.described.replace("`", "").split()) <= set(words)
    for topic in topics.TABLES[node]:
        assert f"  {topic.name} " in text
    services = topics.TABLES.get(f"{node} services", ())
    assert all(f"  {service.name} " in text for service in services)
    assert all(example in text for example in examples)
    assert all(len(line) <= WIDTH for line in text.splitlines() if " --ros-args " not in line)
    assert f"ros2 param set /{node} " in text or not any(row.live for row in table)
    assert "share/fer_ros/docs" in text


def test_defaults_and_choices():
    text = usage("emotion_node")
    for line in ("    autostart = true ", "    model = '' ", "  * max_rate = -1.0 "):
        assert f"\n{line}" in text
    assert "(raw, compressed)" in text
    assert "(1 to 256)" in text
    assert "with ros4hri:=true" in text


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["--ros-args", "-p", "rate:=1.0", "--help"]])
def test_help_starts_nothing(monkeypatch, capsys, words):
    monkeypatch.setattr(rclpy, "init", None)
    assert run_node("video_source", None, ["video_source", *words]) == 0
    assert "start_when_subscribed" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words", [["source:=0"], ["--source"], ["--ros-args", "-r", "a:=b", "--", "0"]]
)
def test_refuses_words_that_it_does_not_know(monkeypatch, capsys, words):
    monkeypatch.setattr(rclpy, "init", None)
    assert run_node("video_source", None, ["video_source", *words]) == 1
    assert f"{words[-1]} is no argument of video_source: see --help" in capsys.readouterr().err


def test_says_where_a_parameter_goes(monkeypatch, capsys):
    monkeypatch.setattr(rclpy, "init", None)
    assert run_node("video_source", None, ["video_source", "-p", "rate:=5.0"]) == 1
    assert "-p is no argument of video_source: it goes behind --ros-args" in capsys.readouterr().err


def test_the_program_is_called_as_it_was(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/env/bin/fer_ros-video_source"])
    assert usage("video_source").startswith("usage: fer_ros-video_source [")
    monkeypatch.setattr(sys, "argv", ["/env/lib/fer_ros/video_source"])
    assert usage("video_source").startswith("usage: ros2 run fer_ros video_source [")
