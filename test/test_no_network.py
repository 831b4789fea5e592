# SPDX-License-Identifier: Apache-2.0
"""The node speaks DDS and nothing else: no connection, no name looked up, nothing that could."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from node_helpers import REPOSITORY, WAIT, astronaut, header, raw
from source_files import SOURCES, imported, imported_packages

# Runs emotion_node in a process that writes down what it does with Python's sockets.
PROGRAM = """
import json, sys
log = open(sys.argv.pop(), "w", buffering=1)
NETWORK = ("socket.", "urllib.", "http.", "ftplib.", "smtplib.")
sys.addaudithook(lambda event, args: event.startswith(NETWORK) and log.write(event + "\\n"))
from fer_ros.nodes.emotion_node import main
status = main()
modules = sorted(sys.modules)
log.write("modules " + json.dumps(modules) + "\\n")
sys.exit(status)
"""
CLIENTS = {"requests", "urllib3", "httpx", "aiohttp", "http.client", "urllib.request", "ftplib"}
NETWORK_MODULES = CLIENTS | {"socket", "ssl", "http", "asyncio", "xmlrpc", "smtplib"}


def sockets(pid: int, protocol: str) -> list[tuple[str, str]]:
    """Local and remote address of each socket of a process, hexadecimal as the kernel has them."""
    files = Path(f"/proc/{pid}/fd").iterdir()
    links = (str(file.readlink()) for file in files)
    mine = {link[8:-1] for link in links if link.startswith("socket:[")}
    rows = Path(f"/proc/{pid}/net/{protocol}").read_text().splitlines()[1:]
    fields = (row.split() for row in rows)
    return [(f[1], f[2]) for f in fields if f[9] in mine]


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="no /proc/net")
def test_no_connection_at_run_time(meet, tmp_path):
    log = tmp_path / "events"
    with (tmp_path / "words").open("w") as words:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(log)],
            cwd=REPOSITORY,
            stdout=words,
            stderr=subprocess.STDOUT,
        )
    try:
        bench = meet()
        publisher = bench.publisher()
        for number in range(5):
            assert bench.process(publisher, raw(header(number), astronaut())).faces
        assert sockets(process.pid, "tcp") == sockets(process.pid, "tcp6") == []
        udp = sockets(process.pid, "udp") + sockets(process.pid, "udp6")
        assert udp, "DDS has some, or nothing is proved here"
        assert all(set(remote) <= set("0:") for _, remote in udp), "DDS connects none of them"
        process.terminate()
        assert process.wait(WAIT) == 0
    finally:
        process.kill()
        process.wait()
    *events, last = log.read_text().splitlines()
    assert events == []
    modules = json.loads(last.removeprefix("modules "))
    assert "fer_ros.nodes.emotion_node" in modules
    assert not CLIENTS & set(modules)


VIEW = ("fer_ros/web/", "fer_ros/cli/view.py")
"""The view that is asked for serves pages; nothing else may import it."""
LAUNCH = "fer_ros/launching/"
"""launch runs by asyncio, and connects nobody by it."""
OTHERS = [path for path in SOURCES if not any(part in path.as_posix() for part in VIEW)]


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.stem)
def test_nothing_that_could_connect_is_imported(path):
    allowed = {"asyncio"} if LAUNCH in path.as_posix() else set()
    assert not (imported(path) | imported_packages(path)) & NETWORK_MODULES - allowed
    view = ("fer_ros.web", "fer_ros.cli.view")
    assert not [name for name in imported(path) if name.startswith(view)]
