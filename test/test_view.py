# SPDX-License-Identifier: Apache-2.0
"""`make view`: three nodes, an address that answers, a clean end."""

import os
import re
import signal
import socket
import sys

import pytest

pytest.importorskip("aiohttp", reason="aiohttp is not installed")

from node_helpers import Command
from web_helpers import Page, get, until

from fer_ros.cli.demo import live_command
from fer_ros.cli.view import has_desktop, main


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
        assert f"cannot listen on 127.0.0.1:{port}" in running.words()


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--source", "/none.mp4"], 1, "no such file"),
        (["--host", "192.0.2.7"], 1, "choose --host"),
        (["--port", "0"], 2, "--port"),
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
