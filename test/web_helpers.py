# SPDX-License-Identifier: Apache-2.0
"""What the tests of the web view share: plain requests, and a page's side of the WebSocket."""

import asyncio
import http.client
import json
import struct
import threading
import time
from concurrent.futures import wait
from contextlib import contextmanager

from fer_ros.web.access import Access, own_names
from fer_ros.web.server import WebServer, listen

WAIT = 60.0


def until(condition, what="a condition", timeout=WAIT):
    """Wait until ``condition()`` is true, and return what it gave; fail after ``timeout``."""
    end = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < end, f"waited {timeout} s for {what}"
        time.sleep(0.02)
    return value


@contextmanager
def serving(token="", max_viewers=10, host="127.0.0.1", asked=lambda name, value: None):
    """A server without ROS; its port is ``server.port``, its viewers' number ``server.looking``."""
    listening = listen(host, 0)
    looking = []
    access = Access(token, own_names())
    server = WebServer(listening, access, max_viewers, looking.append, asked)
    server.port, server.looking, server.access = listening.getsockname()[1], looking, access
    server.start()
    try:
        yield server
    finally:
        server.stop()


def get(port, path="/", method="GET", host="127.0.0.1", **headers):
    """Status, headers and body of one request; header names with _ for -."""
    connection = http.client.HTTPConnection(host, port, timeout=WAIT)
    try:
        connection.request(
            method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


class Page:
    """A page's WebSocket, on a thread of its own. ``reads``: false for one that never does."""

    def __init__(self, port, reads=True, host="127.0.0.1", shows=True, **headers):
        self.url = f"http://{host}:{port}/live"
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.frames: list[tuple[dict, bytes]] = []
        self.notes: dict[str, dict] = {}
        self.status = self.close_code = None
        self.opened = threading.Event()
        self.closed = threading.Event()
        self._reads, self._shows = reads, shows
        self._loop = asyncio.new_event_loop()
        self._socket = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        until(lambda: self.opened.is_set() or self.closed.is_set(), "the WebSocket")

    def send(self, what):
        """Send text, or anything else as JSON."""
        text = what if isinstance(what, str | bytes) else json.dumps(what)
        send = self._socket.send_bytes if isinstance(text, bytes) else self._socket.send_str
        sent = asyncio.run_coroutine_threadsafe(send(text), self._loop)
        until(lambda: wait([sent], 0.1).done or not self._thread.is_alive(), "sending")
        # Once the socket has closed, the loop has ended and runs what it was given no more.
        if not sent.done():
            raise ConnectionResetError("the page has ended")
        sent.result()

    def shown(self):
        """Say that an image is shown."""
        self.send(json.dumps("shown"))

    def close(self):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(WAIT)

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._look())

    async def _look(self):
        import aiohttp

        self._stop = asyncio.Event()
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.ws_connect(self.url, headers=self.headers, max_msg_size=0) as socket,
            ):
                self._socket = socket
                self.opened.set()
                if not self._reads:
                    socket._response.connection.transport.pause_reading()
                    await self._stop.wait()
                    return
                hearing = asyncio.ensure_future(self._hear(socket))
                stop = asyncio.ensure_future(self._stop.wait())
                await asyncio.wait([hearing, stop], return_when=asyncio.FIRST_COMPLETED)
                hearing.cancel()
                stop.cancel()
                self.close_code = socket.close_code
        except aiohttp.WSServerHandshakeError as error:
            self.status = error.status
        except aiohttp.ClientError:
            pass
        finally:
            self.closed.set()

    async def _hear(self, socket):
        async for message in socket:
            if isinstance(message.data, str):
                note = json.loads(message.data)
                self.notes[note["kind"]] = note
                continue
            (length,) = struct.unpack_from("<I", message.data)
            head = json.loads(message.data[4 : 4 + length])
            self.frames.append((head, message.data[4 + length :]))
            if self._shows:
                await socket.send_str('"shown"')
        self.close_code = socket.close_code
