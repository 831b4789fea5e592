# SPDX-License-Identifier: Apache-2.0
"""Hostile requests and WebSocket messages to the web view's server, over its port.

After every 50 the page must be given as ever to who has the token.

    python -m benchmarks.robustness.web_requests [--seconds 60] [--seed 1]
"""

import base64
import contextlib
import http.client
import os
import socket
import struct
import sys

from benchmarks.robustness.rounds import Round, damaged, run
from fer_ros.web import content
from fer_ros.web.access import Access, own_names
from fer_ros.web.server import PAGE, WebServer, listen

TOKEN = "correct-horse-battery"
ANSWER = 0.3  # seconds waited for what may never come
JSON = (
    "shown", '"shown"', '{"set": ["max_rate", %s]}' % ("9" * 400), '{"set": [1, 2]}', "[" * 900,
    '{"set": ["max_rate", NaN]}', '{"set": ["rotate", 90]}', '{"set": ["\\u0000", "\\ud800"]}',
    "null", "", "7", '{"set": ["max_rate", 1e999]}', '{"set": {"a": []}}',
)  # fmt: skip


def _server(stack, token=TOKEN):
    listening = listen("127.0.0.1", 0)
    port = listening.getsockname()[1]
    server = WebServer(
        listening, Access(token, own_names()), 10, lambda count: None, lambda name, value: None
    )
    server.put_note("hello", content.hello(True))
    server.start()
    stack.callback(server.stop)
    return port


def _check(port):
    """The page is there for who has the token."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with contextlib.closing(connection):
        connection.request("GET", "/", headers={"Authorization": f"Bearer {TOKEN}"})
        answer = connection.getresponse()
        assert answer.status == 200, answer.status
        assert b"fer_ros" in answer.read()


def _say(port, data) -> str:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as it:
        it.settimeout(ANSWER)
        it.sendall(data)
        answer = it.recv(1 << 16)
        return answer[9:12].decode("latin-1") if answer.startswith(b"HTTP/") else "closed"
    return "no answer"


def requests(folder, stack):
    """HTTP: damaged, or with other methods, paths, names and lengths."""
    port = _server(stack)
    methods = ("GET", "HEAD", "POST", "PUT", "OPTIONS", "TRACE", "CONNECT", "get", "\0", "G" * 9000)
    paths = (
        *PAGE, "/live", "//", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/?token=%ff",
        "/" + "x" * 9000, "http://example.org/", "*", "/\r\nX: y", f"/?token={TOKEN}", "/%00",
    )  # fmt: skip
    heads = (
        f"Host: localhost:{port}", "Host: evil.example", "Host:", "Host: [::1", "X: " + "y" * 9000,
        "Origin: http://evil.example", f"Authorization: Bearer {TOKEN}", "Authorization: \xff",
        "Cookie: " + "a=b; " * 2000, "Content-Length: 99999999999999999999", "Content-Length: -1",
        "Transfer-Encoding: chunked", "Upgrade: websocket", "Connection: Upgrade", "\0: \0",
        "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: x", "Accept-Language: de", "Expect: 100",
    )  # fmt: skip

    def once(number, random):
        lines = [f"{random.choice(methods)} {random.choice(paths)} HTTP/1.1"]
        lines += [str(random.choice(heads)) for _ in range(int(random.integers(6)))]
        data = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        if random.random() < 0.4:
            data = damaged(data, random)
        word = _say(port, data)
        if number % 50 == 0:
            _check(port)
        assert not word.startswith("5"), (word, data[:300])
        return word

    return once


def frames(folder, stack):
    """WebSocket: hostile JSON, damaged frames, lengths that are none."""
    port = _server(stack)
    key = base64.b64encode(os.urandom(16)).decode()
    hello = (
        f"GET /live HTTP/1.1\r\nHost: localhost:{port}\r\nAuthorization: Bearer {TOKEN}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {key}\r\n\r\n"
    ).encode()

    def once(number, random):
        body = str(random.choice(JSON)).encode("utf-8", "replace")
        code = int(random.choice([1, 1, 1, 2, 0, 8, 9, 10, 3, 15]))
        mask = random.bytes(4)
        length = bytes([128 | min(len(body), 125)])
        if len(body) > 125:
            length = b"\xfe" + struct.pack(">H", len(body))
        if random.random() < 0.2:
            length = b"\xff" + struct.pack(">Q", int(random.integers(1 << 63, dtype="uint64")))
        masked = bytes(b ^ mask[i % 4] for i, b in enumerate(body))
        frame = bytes([(128 if random.random() < 0.8 else 0) | code]) + length + mask + masked
        if random.random() < 0.4:
            frame = damaged(frame, random)
        word = "no answer"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as it:
            it.settimeout(ANSWER)
            it.sendall(hello)
            word = it.recv(1 << 16)[9:12].decode("latin-1")
            it.sendall(frame * int(random.integers(1, 40)))
            it.recv(1 << 16)
        if number % 50 == 0:
            _check(port)
        return word

    return once


ROUNDS = [Round("requests", requests), Round("WebSocket frames", frames)]

if __name__ == "__main__":
    sys.exit(run("web_requests", __doc__, ROUNDS))
