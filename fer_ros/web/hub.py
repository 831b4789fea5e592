# SPDX-License-Identifier: Apache-2.0
"""The viewers: to each the newest image as fast as this one takes them, and no faster.

Nothing queues. An image waits for its viewer until a newer one replaces it, and is sent when the
viewer has reported that an earlier one is shown: so none lies in the network's buffers. Of each
kind of note, too, the newest alone waits.
"""

import asyncio
import json
import math
import time
from collections.abc import Callable

from aiohttp import WSCloseCode, WSMsgType, web

AHEAD = 2  # images sent and not yet shown, so that the way does not cost rate
PATIENCE = 10.0  # seconds for a viewer to take what it was sent, and to answer a ping
MAX_MESSAGE = 4096  # bytes from a viewer
MAX_MESSAGES = 300  # from a viewer in a second


class Viewer:
    """One page that somebody looks at. All on the server's loop."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport | None):
        self.socket, self.transport = socket, transport
        self.active = time.monotonic()
        """When it came, or last showed an image."""
        self._ahead = 0
        self._frame: bytes | None = None
        self._notes: dict[str, str] = {}
        self._wake = asyncio.Event()

    def wants_frame(self) -> bool:
        """Whether it would get an image at once."""
        return self._ahead < AHEAD

    def put_frame(self, frame: bytes) -> None:
        """Leave an image; the one that waits is superseded."""
        self._frame = frame
        self._wake.set()

    def put_note(self, kind: str, text: str) -> None:
        """Leave a note; one of this kind that waits is superseded."""
        self._notes[kind] = text
        self._wake.set()

    def has_shown(self) -> None:
        """One image is shown."""
        self.active = time.monotonic()
        self._ahead = max(0, self._ahead - 1)
        self._wake.set()

    def drop(self) -> None:
        """End the connection at once, whatever its other end does."""
        if self.transport:
            self.transport.abort()

    async def send(self) -> None:
        """Send what is left until the connection ends. Raises TimeoutError when it is stuck."""
        while not self.socket.closed:
            await self._wake.wait()
            self._wake.clear()
            notes, self._notes = self._notes, {}
            for text in notes.values():
                await asyncio.wait_for(self.socket.send_str(text), PATIENCE)
            if self._frame is not None and self.wants_frame():
                frame, self._frame = self._frame, None
                self._ahead += 1
                await asyncio.wait_for(self.socket.send_bytes(frame), PATIENCE)


class Hub:
    """All viewers. ``changed``: called, on the loop, with their number when that changes;
    ``requested``: with a parameter's name and value that a viewer wants set.
    """

    def __init__(
        self,
        max_viewers: int,
        changed: Callable[[int], None],
        requested: Callable[[str, object], None],
    ):
        self.viewers: list[Viewer] = []
        self._max_viewers = max_viewers
        self._changed, self._requested = changed, requested
        self._last: dict[str, str] = {}

    def wants_frame(self) -> bool:
        """Whether anybody would get an image at once."""
        return any(viewer.wants_frame() for viewer in self.viewers)

    def put_frame(self, frame: bytes) -> None:
        """An image for all."""
        for viewer in self.viewers:
            viewer.put_frame(frame)

    def put_note(self, kind: str, text: str) -> None:
        """A note for all, and for those who come later."""
        self._last[kind] = text
        for viewer in self.viewers:
            viewer.put_note(kind, text)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Show to one viewer until it goes."""
        socket = web.WebSocketResponse(
            heartbeat=PATIENCE, timeout=1.0, max_msg_size=MAX_MESSAGE, compress=False
        )
        await socket.prepare(request)
        if len(self.viewers) >= self._max_viewers and not self._make_room():
            await socket.close(code=WSCloseCode.TRY_AGAIN_LATER, message=b"too many viewers")
            return socket
        viewer = Viewer(socket, request.transport)
        for kind, text in self._last.items():
            viewer.put_note(kind, text)
        self.viewers.append(viewer)
        self._changed(len(self.viewers))
        tasks = [asyncio.ensure_future(viewer.send()), asyncio.ensure_future(self._receive(viewer))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if task.exception() and viewer.transport:  # what it was sent shall wait no longer
                    viewer.transport.abort()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if viewer in self.viewers:  # it has not made room for another
                self.viewers.remove(viewer)
            self._changed(len(self.viewers))
        return socket

    def _make_room(self) -> bool:
        """Let the viewer go that has shown nothing for the longest time, if any is that idle: the
        slots are for those who look.
        """
        idle = [v for v in self.viewers if time.monotonic() - v.active > PATIENCE]
        if not idle:
            return False
        viewer = min(idle, key=lambda viewer: viewer.active)
        self.viewers.remove(viewer)
        viewer.drop()
        return True

    async def _receive(self, viewer):
        second, count = 0.0, 0
        async for message in viewer.socket:
            now = time.monotonic()
            second, count = (now, 1) if now - second > 1 else (second, count + 1)
            if count > MAX_MESSAGES or not self._handle(viewer, message):
                await viewer.socket.close(code=WSCloseCode.POLICY_VIOLATION)
                return

    def _handle(self, viewer, message):
        """Whether it is one of the two messages of a page."""
        if message.type is not WSMsgType.TEXT:
            return False
        try:
            content = json.loads(message.data)
        except (ValueError, RecursionError):
            return False
        if content == "shown":
            viewer.has_shown()
            return True
        match content:
            case {"set": [str(name), bool() | int() | float() | str() as value]}:
                if isinstance(value, float) and not math.isfinite(value):
                    return False
                self._requested(name, value)
                return True
        return False
