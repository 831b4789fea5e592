# SPDX-License-Identifier: Apache-2.0
"""The server: a fixed set of files, and the viewers' WebSockets; on a thread of its own.

Whatever comes passes ``_guard`` first. What is not one of our few paths does not exist; no folder
is served, nothing is written, nothing asked is logged.
"""

import asyncio
import errno
import json
import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.resources import files

from aiohttp import http_exceptions, web

from fer_ros.web.access import Access, Verdict
from fer_ros.web.content import as_json
from fer_ros.web.hub import Hub
from fer_ros.web.refusals import Refusals

PAGE = {
    "/": ("index.html", "text/html"),
    "/style.css": ("style.css", "text/css"),
    "/view.js": ("view.js", "text/javascript"),
    "/picture.js": ("picture.js", "text/javascript"),
    "/cards.js": ("cards.js", "text/javascript"),
    "/timeline.js": ("timeline.js", "text/javascript"),
    "/slots.js": ("slots.js", "text/javascript"),
    "/parameters.js": ("parameters.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
    "/words.json": ("words.json", "application/json"),
}
"""All that can be had but the images: paths, files of the folder ``page``, types."""
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Server": "fer_ros",
}
"""Of every answer by HTTP: nothing from elsewhere, no address passed to others, nothing kept."""
MAX_IDLE = 32  # connections beside the viewers'
IDLE = 15.0  # seconds that one may stay
SWEEP = 0.5  # seconds between two looks at them
END = 3.0  # seconds for the connections to end with the server
REFUSALS = {
    Verdict.NO_TOKEN: (401, "refused_no_token"),
    Verdict.WRONG_TOKEN: (401, "refused_wrong_token"),
    Verdict.TOO_MANY: (429, "refused_too_many"),
}


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises OSError; one for a name that is no address, too."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except UnicodeError:  # too long, or no text
        raise OSError(errno.EINVAL, "not a host name") from None
    both = family == socket.AF_INET6 and host == "::" and socket.has_dualstack_ipv6()
    return socket.create_server(address[:2], family=family, dualstack_ipv6=both, backlog=64)


class WebServer:
    """Serves the page and the images that are put in. ``changed`` and ``requested`` are called on
    the server's thread; all methods may be called on any.
    """

    def __init__(
        self,
        listening: socket.socket,
        access: Access,
        max_viewers: int,
        changed: Callable[[int], None],
        requested: Callable[[str, object], None],
    ):
        self.port = listening.getsockname()[1]
        self._socket, self._access = listening, access
        folder = files("fer_ros") / "web" / "page"
        words = json.loads((folder / "words.json").read_text("utf-8"))
        self._files = {p: ((folder / name).read_bytes(), kind) for p, (name, kind) in PAGE.items()}
        # Whoever is refused gets no other file, so that page has its style within it.
        policy = HEADERS["Content-Security-Policy"]
        self._refusals = Refusals((folder / "refused.html").read_text("utf-8"), words, policy)
        self._hub = Hub(max_viewers, changed, requested)
        self._loop = asyncio.new_event_loop()
        self._stopped = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="web_server", daemon=True)
        self._lock = threading.Lock()
        self._frame: bytes | None = None
        self._notes: dict[str, str] = {}
        self._is_waking = False
        self._since: dict[web.RequestHandler, float] = {}

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """End all connections and the thread."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopped.set)
            self._thread.join(2 * END)
        self._socket.close()

    def wants_frame(self) -> bool:
        """Whether any viewer would get an image at once."""
        return self._hub.wants_frame()

    def put_frame(self, frame: bytes) -> None:
        """An image for all viewers; one that waits is superseded."""
        with self._lock:
            self._frame = frame
            self._wake_up()

    def put_note(self, kind: str, values: dict) -> None:
        """A note for all viewers; one of its kind that waits is superseded."""
        text = as_json({"kind": kind, **values})
        with self._lock:
            self._notes[kind] = text
            self._wake_up()

    def _wake_up(self):
        # One call at a time, however fast images come and however busy the loop is.
        if not self._is_waking and not self._loop.is_closed():
            self._is_waking = True
            self._loop.call_soon_threadsafe(self._hand_over)

    # Server's thread

    def _hand_over(self):
        with self._lock:
            self._is_waking = False
            frame, self._frame = self._frame, None
            notes, self._notes = self._notes, {}
        for kind, text in notes.items():
            self._hub.put_note(kind, text)
        if frame is not None:
            self._hub.put_frame(frame)

    def _run(self):
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._live())
        finally:
            with self._lock:
                self._loop.close()

    async def _live(self):
        runner = await self._serve()
        await self._stopped.wait()  # an event, as stop() may come before all is served
        await self._end(runner)

    async def _serve(self):
        app = web.Application(middlewares=[self._guard], client_max_size=1024)
        app.on_response_prepare.append(_add_headers)
        routes = {"/live": self._hub.serve, **dict.fromkeys(PAGE, self._file)}
        for path, handler in routes.items():
            app.router.add_get(path, handler, expect_handler=_expect)
        app.router.add_route("*", "/{path:.*}", _nothing, expect_handler=_expect)
        # Of a body that nobody asked for, nothing is read; nor is a line logged of any visit.
        runner = web.AppRunner(
            app, access_log=None, logger=_log(), lingering_time=0, keepalive_timeout=IDLE
        )
        await runner.setup()
        assert runner.server, "setup() made it"
        self._handlers = runner.server
        self._server = await self._loop.create_server(self._accept, sock=self._socket, backlog=64)
        self._sweeper = asyncio.ensure_future(self._sweep())  # held, or it might be collected
        return runner

    async def _end(self, runner):
        self._server.close()
        for handler in self._handlers.connections:
            _abort(handler)
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=END)
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(runner.cleanup(), END)

    def _accept(self):
        """The protocol of a new connection."""
        self._trim()
        return self._handlers()

    def _trim(self):
        """End idle connections: the eldest, when there are too many, and those that stay."""
        now, idle = time.monotonic(), self._idle()
        surplus = max(0, len(idle) - MAX_IDLE + 1)
        for number, handler in enumerate(idle):
            if number < surplus or now - self._since[handler] > IDLE:
                _abort(handler)

    async def _sweep(self):
        while True:
            await asyncio.sleep(SWEEP)
            self._trim()

    def _idle(self):
        """Connections that are no viewer's, the eldest first."""
        now = time.monotonic()
        looking = {id(viewer.transport) for viewer in self._hub.viewers}
        self._since = {c: self._since.get(c, now) for c in self._handlers.connections}
        idle = [c for c in self._since if c.transport and id(c.transport) not in looking]
        return sorted(idle, key=lambda handler: self._since[handler])

    @web.middleware
    async def _guard(self, request, handler):
        host, own = request.headers.get("Host"), _own_address(request)
        if not self._access.knows_host(host, own):
            return self._refusals.answer(request, 403, "refused_host")
        if not self._access.knows_origin(request.headers.get("Origin"), host):
            return self._refusals.answer(request, 403, "refused_origin")
        if request.method not in ("GET", "HEAD"):
            return self._refusals.answer(request, 405, "refused_method")
        in_address = request.query.get("token")
        verdict = self._access.admit(
            request.remote or "",
            request.cookies.get(self._access.cookie_name),
            in_address if in_address is not None else _bearer(request),
        )
        if verdict is not Verdict.ADMITTED:
            return self._refusals.answer(request, *REFUSALS[verdict])
        if in_address is not None:
            return self._welcome(request)
        return await handler(request)

    def _welcome(self, request):
        """To the page again, without the token in its address."""
        answer = web.Response(status=303, headers={"Location": "/"})
        if self._access.demands_token:
            answer.set_cookie(
                self._access.cookie_name, self._access.cookie, httponly=True, samesite="Strict",
                path="/",
            )  # fmt: skip
        return answer

    async def _file(self, request):
        body, kind = self._files[request.path]
        return web.Response(body=body, content_type=kind, charset="utf-8")


def _log():
    """For defects of ours; what is wrong with a request may hold the token, and never ends."""
    log = logging.getLogger("fer_ros.web_server")
    log.addFilter(_is_ours)
    logging.getLogger("aiohttp.websocket").setLevel(logging.ERROR)  # else it tells of each visit
    return log


def _is_ours(record):
    return not (
        record.exc_info and isinstance(record.exc_info[1], http_exceptions.HttpProcessingError)
    )


async def _add_headers(request, response):
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = HEADERS["Server"]  # aiohttp has set its own


async def _nothing(request):
    raise web.HTTPNotFound


async def _expect(request):
    """Whoever expects more than an answer has the usual one: aiohttp's own says the word back, and
    fails where that is no text.
    """


def _bearer(request):
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None


def _own_address(request):
    """The address of this machine on which a request came."""
    name = request.transport.get_extra_info("sockname") if request.transport else None
    return name[0] if name else ""


def _abort(handler):
    if handler.transport:
        handler.transport.abort()
