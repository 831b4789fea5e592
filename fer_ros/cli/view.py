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
import socket
import sys
import time
import urllib.error
import urllib.request
import webbrowser
from contextlib import ExitStack
from pathlib import Path

from fer_ros import start
from fer_ros.cli.demo import DemoError, choose_middleware, length_of
from fer_ros.cli.node_process import NodeProcess
from fer_ros.command_line import number
from fer_ros.faces import detectors
from fer_ros.sources.address import SourceError, is_live, masked
from fer_ros.web.access import is_loopback

START = 60.0  # seconds waited for the page
PORTS = range(8080, 8100)  # the first free one, unless told which

EXAMPLES = """examples:
  %(prog)s                                  the built-in clip: two portraits, again and again
  %(prog)s --source 0                       the first camera
  %(prog)s --source holiday.mp4             a video, again and again
  %(prog)s --host 0.0.0.0                   for other machines too, with a token

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
    except (DemoError, SourceError) as error:
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
    add("--out", type=Path, default=Path("out/view"), help="folder for the logs (%(default)s)")
    add("--no-browser", action="store_true", help="print the address, open nothing")
    return parser.parse_args(argv)


def _show(options, stack):
    """Start the nodes, say where to look, stay until one of them ends. Raises DemoError."""
    o = options
    try:
        o.out.mkdir(parents=True, exist_ok=True)
        token_file = o.out / "token"
        token_file.unlink(missing_ok=True)
        token = "" if is_loopback(o.host) else secrets.token_urlsafe(24)
        if token:
            stack.callback(token_file.unlink, missing_ok=True)
            token_file.touch(mode=0o600)
            token_file.write_text(token)
    except OSError as error:
        where = error.filename or o.out
        raise DemoError(f"cannot write to {where}: {error.strerror}; choose --out") from None
    port = o.port or _free_port(o.host)
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
    with start.uninterrupted():  # or nobody would end them
        nodes = [stack.enter_context(NodeProcess(n, values, o.out)) for n, values in given.items()]
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
    print(f"The nodes talk in ROS_DOMAIN_ID={os.environ['ROS_DOMAIN_ID']}. Ctrl-C ends them.")
    sys.stdout.flush()
    if not o.no_browser and has_desktop():
        webbrowser.open(address)
    while True:
        _check(nodes, is_live(o.source))
        time.sleep(0.2)


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
            with direct.open(address, timeout=5):
                return
        except urllib.error.HTTPError as error:
            if error.code == 401:
                return
            raise DemoError(f"{address} answers {error.code}") from None
        except OSError:
            if time.monotonic() > end:
                raise DemoError(f"web_view is mute: {nodes[-1].last_line()}") from None
        time.sleep(0.1)


def _check(nodes, live=False):
    for node in nodes:
        if node.status is not None:
            what = "the stream has ended" if live and node.name == "video_source" else "died"
            raise DemoError(f"{node.name}: {what}: {node.last_line()}")


def _free_port(host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in PORTS:
        try:
            socket.create_server((host, port), family=family).close()
        except OSError:
            continue
        return port
    raise DemoError(
        f"cannot listen on {host}, ports {PORTS.start} to {PORTS.stop - 1}: choose --host, --port"
    )


def _address(host, port):
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"
