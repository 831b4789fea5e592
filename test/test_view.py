# SPDX-License-Identifier: Apache-2.0
"""`make view`: three nodes, an address that answers, a clean end."""

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

pytest.importorskip("aiohttp", reason="aiohttp is not installed")

from node_helpers import Command
from web_helpers import Page, get, serving, until

from fer_ros.cli.demo import live_command
from fer_ros.cli.view import LOGS, _own_folder, has_desktop, main


@pytest.fixture
def view(tmp_path):
    commands = []

    def run(*arguments):
        words = (sys.executable, "-m", "fer_ros.cli.view", "--out", str(tmp_path / "out"))
        log = tmp_path / f"view-{len(commands)}.log"
        commands.append(Command(log, *words, "--no-browser", *arguments))
        return commands[-1]

    yield run
    for command in commands:
        if not command.has_ended():
            command.signal(signal.SIGINT)
            command.wait()


def address(command):
    command.wait_for("Ctrl-C ends them")
    return re.search(r"Look at http://([^:/]+):(\d+)/(?:\?token=(\S+))?", command.words()).groups()


def test_from_source_to_page(view):
    running = view("--source", "sample", "--rate", "10")
    host, port, token = address(running)
    assert (host, token) == ("127.0.0.1", None)
    assert "ssh -L" in running.words()
    page = Page(int(port))
    until(lambda: any(picture and head["faces"] for head, picture in page.frames), "a face")
    page.close()
    running.signal(signal.SIGINT)
    assert running.wait() == 0
    assert "Traceback" not in running.words()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", int(port)), timeout=5)


LISTENER = """
import sys, rclpy
from fer_ros.msg import EmotionArray
rclpy.init()
node = rclpy.create_node("beside")
came = []
node.create_subscription(EmotionArray, sys.argv[1], came.append, 1)
while not came:
    rclpy.spin_once(node)
print(*(name for name, _ in node.get_topic_names_and_types()))
"""


@pytest.mark.parametrize("namespace", ["", "robot1", "/"])
def test_what_it_prints_works_beside_it(view, namespace):
    """In a namespace of its own, or the one that was asked for."""
    running = view("--rate", "10", *(("--namespace", namespace) if namespace else ()))
    address(running)
    words = running.words()
    environment = dict(re.findall(r"(\w+)=(\w+)", re.search(r"export (.*)", words)[1]))
    assert set(environment) == {"ROS_DOMAIN_ID", "ROS_AUTOMATIC_DISCOVERY_RANGE"}
    topic = re.search(r"ros2 topic echo (\S+)", words)[1]
    begin = {"": r"/view_\w{6}", "robot1": "/robot1", "/": ""}[namespace]
    assert re.fullmatch(f"{begin}/emotions", topic)
    rviz = re.search(r"rviz2 -d (\S+)(.*)", words)
    assert Path(rviz[1]).is_file()
    renamed = dict(re.findall(r"-r (\S+):=(\S+)", rviz[2]))
    shown = re.findall(r"Value: (/\S+)", Path(rviz[1]).read_text())
    assert namespace == "/" or set(shown) == set(renamed)
    said = re.search(r"The topics: (.*)", words)[1].split(", ")
    found = subprocess.run(
        [sys.executable, "-c", LISTENER, topic],
        env=os.environ | environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    there = set(found.stdout.split())
    assert set(said) <= there
    assert {renamed.get(name, name) for name in shown} <= there


def test_for_other_machines_with_a_token(view, tmp_path):
    running = view("--host", "0.0.0.0")
    host, port, token = address(running)
    assert host == socket.gethostname()
    assert get(int(port))[0] == 401
    assert get(int(port), f"/?token={token}")[0] == 303
    file = tmp_path / "out/token"
    assert file.stat().st_mode & 0o777 == 0o600
    logs = "".join(log.read_text() for log in (tmp_path / "out").glob("*.log"))
    assert token not in logs
    running.signal(signal.SIGINT)
    assert running.wait() == 0
    assert not file.exists()


def test_port_that_is_taken(view):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        running = view("--port", str(port))
        assert running.wait() == 1
        assert f"cannot listen on 127.0.0.1, port {port}" in running.words()


def test_two_with_one_folder(view):
    """They would read each other's logs, and take each other's token away."""
    first = view("--rate", "5")
    address(first)
    second = view("--rate", "5")
    assert second.wait() == 1
    assert "another command is writing there" in second.words().splitlines()[-1]
    assert "Look at" not in second.words()
    assert not first.has_ended()


def test_folders_of_their_own_where_none_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with ExitStack() as stack:
        taken = [_own_folder(LOGS, stack) for _ in range(3)]
    assert taken == LOGS[:3]


def test_another_program_that_answers_on_the_port(view):
    """No address is printed that is not the view's."""
    with serving() as other:
        running = view("--port", str(other.port))
        assert running.wait() == 1
    assert "Look at" not in running.words()
    assert f"cannot listen on 127.0.0.1, port {other.port}: choose" in running.words()


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--source", "/none.mp4"], 1, "no such file"),
        (["--host", "192.0.2.7"], 1, "choose --host"),
        (["--port", "0"], 2, "--port"),
        (["--namespace", "my robot"], 2, "--namespace"),
        (["--namespace", "1//2"], 2, "--namespace"),
        (["--nonsense"], 2, "unrecognized"),
    ],
)
def test_wrong_arguments(arguments, status, words, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "environ", {**os.environ})
    monkeypatch.chdir(tmp_path)
    try:
        found = main(arguments)
    except SystemExit as end:
        found = end.code
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    assert found == status
    assert words in capsys.readouterr().err


def test_desktop(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert has_desktop() is (sys.platform == "darwin")
    monkeypatch.setenv("DISPLAY", ":0")
    assert has_desktop()


def test_demo_says_how_to_go_on(monkeypatch, tmp_path, repository):
    monkeypatch.chdir(repository)
    assert live_command("sample") == "make view"
    assert live_command("my clip.mp4") == "make view SOURCE='my clip.mp4'"
    monkeypatch.chdir(tmp_path)
    assert live_command("sample") == "fer_ros-view"
    assert live_command("0") == "fer_ros-view --source 0"
