# SPDX-License-Identifier: Apache-2.0
"""The live view: source, node and web view as processes, until Ctrl-C.

Exit status: 0 after Ctrl-C or SIGTERM (130, 143 before it is at work); 1 after one line that says
what failed; 2 for wrong arguments.
"""

if __name__ == "__main__":  # before the imports below: they take a second, and signals are obeyed
    from fer_ros.start import view

    raise SystemExit(view())

import argparse
import os
import secrets
import shlex
import socket
import sys
import time
import urllib.error
import urllib.request
import webbrowser
from contextlib import ExitStack
from pathlib import Path

from fer_ros import start
from fer_ros.cli.node_process import NodeProcess
from fer_ros.cli.own_nodes import (
    MIDDLEWARE,
    NodesError,
    choose_middleware,
    length_of,
    own_namespace,
)
from fer_ros.command_line import number, to_path
from fer_ros.faces import detectors
from fer_ros.lines import fault, shown
from fer_ros.runtime.replacing import locked
from fer_ros.sources.address import SourceError, is_live, masked
from fer_ros.web.access import is_loopback

START = 60.0  # seconds waited for the page
LISTENS = "is shown at"  # web_view's words, once it has its port
PORTS = range(8080, 8100)  # the first free one, unless told which
LOGS = [Path("out/view"), *(Path(f"out/view_{n}") for n in range(2, len(PORTS)))]
TOPICS = (
    "image_raw/compressed",
    "emotions",
    "emotion_events",
    "engagement",
    "image_annotated",
    "emotion_markers",
)
RVIZ_TOPICS = ("image_annotated", "emotion_markers", "status_marker")  # of config/emotion.rviz

EXAMPLES = """examples:
  %(prog)s                                  the built-in clip: two portraits, again and again
  %(prog)s --source 0                       the first camera
  %(prog)s --source holiday.mp4             a video, again and again
  %(prog)s --host 0.0.0.0                   for other machines too, with a token
  %(prog)s --namespace robot1               topics that begin with /robot1

Ctrl-C ends it."""


def main(argv=None) -> int:
    """Show the view; see ``--help``."""
    options = _parse(argv)
    start.interrupt()
    try:
        length_of(options.source)
        choose_middleware()
        with ExitStack() as stack:
            _show(options, stack)
    except (NodesError, SourceError) as error:
        print(f"view: {masked(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print()  # after the terminal's ^C
    return 0


def _parse(argv):
    parser = argparse.ArgumentParser(
        prog="fer_ros-view",
        description="Show the faces and their expressions live in a browser.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    what = "camera index, video, folder, URL, @FILE that holds one, or sample (default)"
    add("--source", default="sample", help=what)
    add("--rate", type=number(float, 1e-3, 1e6), help="images a second (default: the source's own)")
    add("--detector", choices=detectors.NAMES, default="auto", help="face detector (%(default)s)")
    add("--model", default="", help="expression model, or small (default: built in)")
    add("--host", default="127.0.0.1", help="address to listen on (default: this machine's own)")
    add(
        "--port",
        type=number(int, 1, 65535),
        help=f"port to listen on (default: the first free one from {PORTS.start})",
    )
    what = "of nodes and topics (default: one that nobody else has); /: none"
    add("--namespace", type=_namespace, help=what)
    what = f"folder for the logs (default: {LOGS[0]}, or the next that no other view writes to)"
    add("--out", type=to_path, help=what)
    add("--no-browser", action="store_true", help="print the address, open nothing")
    return parser.parse_args(argv)


def _namespace(text):
    """An argument that is a namespace, absolute."""
    from rclpy.exceptions import InvalidNamespaceException
    from rclpy.validate_namespace import validate_namespace

    name = f"/{text.strip('/')}"
    try:
        validate_namespace(name)
    except InvalidNamespaceException as error:
        raise argparse.ArgumentTypeError(fault(error)) from None
    return name


def _show(options, stack):
    """Start the nodes, say where to look, stay until one of them ends. Raises NodesError."""
    o = options
    try:
        out = _own_folder([o.out] if o.out else LOGS, stack)
        token_file = out / "token"
        token_file.unlink(missing_ok=True)
        token = "" if is_loopback(o.host) else secrets.token_urlsafe(24)
        if token:
            stack.callback(token_file.unlink, missing_ok=True)
            token_file.touch(mode=0o600)
            token_file.write_text(token)
    except OSError as error:
        where = shown(error.filename or o.out or LOGS[0])
        advice = "" if "--out" in str(error.strerror) else "; choose --out"
        raise NodesError(f"cannot write to {where}: {error.strerror}{advice}") from None
    port = _free_port(o.host, [o.port] if o.port else PORTS)
    namespace = o.namespace or own_namespace("view")
    given = {
        "video_source": {"source": o.source} | ({"rate": o.rate} if o.rate else {}),
        # Compressed: no socket buffer of any machine is too small for them.
        "emotion_node": {
            "detector": o.detector,
            "model": o.model,
            "image_transport": "compressed",
            "exit_on_failure": True,
        },
        "web_view": {
            "host": o.host,
            "port": port,
            "token_file": str(token_file) if token else "",
            "image_transport": "compressed",
        },
    }
    print("Starting video_source, emotion_node and web_view", flush=True)
    nodes: list[NodeProcess] = []
    with start.uninterrupted():  # or nobody would end them
        for name, values in given.items():
            nodes.append(stack.enter_context(NodeProcess(name, values, out, namespace)))
    everywhere = o.host in ("0.0.0.0", "::")
    _wait_for_page(_address("127.0.0.1" if everywhere else o.host, port), nodes)
    name = socket.gethostname() if everywhere else o.host
    address = _address(name, port) + (f"?token={token}" if token else "")
    print(f"\nLook at {address}")
    if is_loopback(o.host):
        print(
            f"From another machine: ssh -L {port}:localhost:{port} {socket.gethostname()}, "
            f"then http://localhost:{port}/"
        )
    else:
        print("It is not encrypted: across a network that others share, leave --host and use ssh.")
    print(_beside(namespace.rstrip("/")))
    print("\nCtrl-C ends them.", flush=True)
    if not o.no_browser and has_desktop():
        webbrowser.open(address)
    while True:
        _check(nodes, is_live(o.source))
        time.sleep(0.2)


def _own_folder(folders, stack):
    """The first of the folders that no other command writes to. Raises OSError."""
    for folder in folders:
        try:
            stack.enter_context(locked(folder))
        except BlockingIOError:
            if folder == folders[-1]:
                raise
        else:
            return folder
    raise AssertionError("no folders")


def _beside(namespace):
    """How to look at the same topics in another terminal."""
    lines = [
        f"The topics: {', '.join(f'{namespace}/{t}' for t in TOPICS)}",
        "\nBeside it, in another terminal:",
        f"  export {' '.join(f'{name}={os.environ[name]}' for name in MIDDLEWARE)}",
        f"  ros2 topic echo {namespace}/emotions",
    ]
    rviz = _share() / "config" / "emotion.rviz"
    renamed = " ".join(f"-r /{t}:={namespace}/{t}" for t in RVIZ_TOPICS) if namespace else ""
    if rviz.is_file():
        more = f" --ros-args {renamed}" if renamed else ""
        lines.append(f"  rviz2 -d {shlex.quote(str(rviz))}{more}")
    return "\n".join(lines)


def _share():
    """The folder of this package's files, where AMENT_PREFIX_PATH is not set too."""
    from ament_index_python.packages import get_package_share_directory

    try:
        return Path(get_package_share_directory("fer_ros"))
    except (LookupError, OSError):
        return Path(sys.prefix, "share", "fer_ros")


def has_desktop() -> bool:
    """Whether there is a screen on which a browser can open."""
    return sys.platform == "darwin" or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))


def _wait_for_page(address, nodes):
    """Until the page is there, or refuses us without its token, which is as good."""
    end = time.monotonic() + START
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        _check(nodes)
        try:
            # By its word that it listens: another program may answer on the port.
            if nodes[-1].has_said(LISTENS):
                direct.open(address, timeout=5).close()
                return
        except urllib.error.HTTPError as error:
            if error.code == 401:
                return
            raise NodesError(f"{address} answers {error.code}") from None
        except OSError:
            pass
        if time.monotonic() > end:
            raise NodesError(f"web_view does not answer: {nodes[-1].last_line()}")
        time.sleep(0.1)


def _check(nodes, live=False):
    for node in nodes:
        if node.status is not None:
            what = "the stream has ended" if live and node.name == "video_source" else "died"
            raise NodesError(f"{node.name}: {what}: {node.last_line()}")


def _free_port(host, ports):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in ports:
        try:
            socket.create_server((host, port), family=family).close()
        except (OSError, TypeError, UnicodeError):  # the latter of a host that is no text
            continue
        return port
    tried = f"ports {ports[0]} to {ports[-1]}" if len(ports) > 1 else f"port {ports[0]}"
    raise NodesError(f"cannot listen on {shown(host)}, {tried}: choose --host, --port")


def _address(host, port):
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"
