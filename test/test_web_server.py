# SPDX-License-Identifier: Apache-2.0
"""The server by itself: tokens, names, limits, and viewers who are slow or mean no good."""

import json
import socket
import struct
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

pytest.importorskip("aiohttp", reason="aiohttp is not installed")

from web_helpers import WAIT, Page, get, serving, until

from fer_ros import web
from fer_ros.web import hub
from fer_ros.web.server import IDLE, MAX_IDLE, PAGE

TOKEN = "correct-horse-battery"
BIG = 100_000_000  # bytes


@pytest.fixture
def server():
    with serving() as server:
        yield server


@pytest.fixture
def guarded():
    with serving(TOKEN) as server:
        yield server


@contextmanager
def pages(*arguments, **options):
    with ExitStack() as stack:

        def make(*arguments, **options):
            page = Page(*arguments, **options)
            stack.callback(page.close)
            return page

        yield make


def frame(number, size=10):
    head = json.dumps({"number": number}).encode()
    return struct.pack("<I", len(head)) + head + bytes(size)


def numbers(page):
    return [head["number"] for head, _ in page.frames]


@contextmanager
def raw(port):
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT) as connection:
        yield connection


# What can be had


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_ends_before_it_has_begun():
    for _ in range(5):
        with serving():
            pass


@pytest.mark.parametrize("path", PAGE)
def test_each_file(server, path):
    status, headers, body = get(server.port, path)
    assert status == 200
    assert body
    assert headers.get_content_type() == PAGE[path][1]
    assert get(server.port, path, "HEAD")[0] == 200


@pytest.mark.parametrize("path", [*PAGE, "/none", "/live"])
def test_headers_of_every_answer(server, path):
    _, headers, _ = get(server.port, path)
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "aiohttp" not in headers["Server"]


@pytest.mark.parametrize(
    "path",
    [
        "/page", "/page/", "/index.html", "/../server.py", "/..%2fserver.py", "/%2e%2e/access.py",
        "//style.css", "/style.css/", "/static/", "/.", "/\\..\\x", "/words.json/../../hub.py",
    ],
)  # fmt: skip
def test_no_folder_and_no_other_file(server, path):
    status, _, body = get(server.port, path)
    assert status == 404
    assert b"import" not in body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_only_looking(server, method):
    assert get(server.port, "/", method)[0] == 405


# Names and origins


@pytest.mark.parametrize("path", [*PAGE, "/live", "/none"])
def test_wrong_host(server, path):
    assert get(server.port, path, Host="evil.example")[0] == 403


def test_no_host(server):
    with raw(server.port) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert b" 403 " in connection.recv(100)


@pytest.mark.parametrize("path", ["/", "/live", "/words.json"])
@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
def test_wrong_origin(server, path, origin):
    assert get(server.port, path, Origin=origin)[0] == 403


def test_websockets_of_other_sites(server):
    with pages() as page:
        assert page(server.port, Origin="http://evil.example").status == 403
        assert page(server.port, Host=f"evil.example:{server.port}").status == 403
        own = page(server.port, Origin=f"http://127.0.0.1:{server.port}")
        assert own.opened.is_set()


def test_refusals_speak_german(server):
    _, _, body = get(server.port, Host="evil.example", Accept_Language="de-DE,de;q=0.9")
    assert "Rechner" in body.decode()
    assert b"evil" not in body


# The token


def test_first_visit(guarded):
    status, headers, _ = get(guarded.port, f"/?token={TOKEN}")
    assert status == 303
    assert headers["Location"] == "/"
    cookie = headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert TOKEN not in cookie
    assert headers["Referrer-Policy"] == "no-referrer"
    kept = cookie.partition(";")[0]
    assert get(guarded.port, Cookie=kept)[0] == 200
    with pages() as page:
        assert page(guarded.port, Cookie=kept).opened.is_set()


def test_redirect_stays_here(guarded):
    for path in ("//evil.example/", "/live", "/none", "/%2f%2fevil.example"):
        _, headers, _ = get(guarded.port, f"{path}?token={TOKEN}")
        assert headers["Location"] == "/"


def test_header(guarded):
    assert get(guarded.port, Authorization=f"Bearer {TOKEN}")[0] == 200
    assert get(guarded.port, Authorization=f"Basic {TOKEN}")[0] == 401
    with pages() as page:
        assert page(guarded.port, Authorization=f"Bearer {TOKEN}").opened.is_set()


@pytest.mark.parametrize("path", [*PAGE, "/live", "/none"])
def test_nothing_without_the_token(guarded, path):
    status, headers, body = get(guarded.port, path)
    assert status == 401
    assert "Set-Cookie" not in headers
    assert b"needs its token" in body
    assert b"viewport" in body
    own = (Path(web.__file__).parent / "page" / PAGE.get(path, ("refused.html",))[0]).read_bytes()
    assert own not in body
    policy = headers["Content-Security-Policy"]
    assert "style-src 'sha256-" in policy
    assert "default-src 'none'" in policy


def test_no_visit_is_logged(server, caplog):
    """What a WebSocket offered was written to the log, a line for each visit."""
    with pages() as page:
        page(server.port, Sec_WebSocket_Protocol="a, b")
        until(lambda: server.looking == [1])
    assert not caplog.records


@pytest.mark.parametrize("path", ["/", "/live", "/none", "/../x"])
def test_whatever_is_expected_is_answered(guarded, caplog, path):
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n".encode()
    with socket.create_connection(("127.0.0.1", guarded.port), WAIT) as it:
        it.sendall(head + b"Expect: \x8000\r\n\r\n")
        assert it.recv(100).startswith(b"HTTP/1.1 401 ")
    assert not caplog.records


def test_wrong_tokens_then_none(guarded):
    for i in range(10):
        assert get(guarded.port, f"/?token=guess-{i}")[0] == 401
    status, headers, body = get(guarded.port, "/?token=guess")
    assert status == 429
    assert headers["Retry-After"] == "60"
    assert b"guess" not in body
    assert get(guarded.port, Authorization=f"Bearer {TOKEN}")[0] == 429
    with pages() as page:
        assert page(guarded.port, Authorization=f"Bearer {TOKEN}").status == 429
        kept = f"{guarded.access.cookie_name}={guarded.access.cookie}"
        assert page(guarded.port, Cookie=kept).opened.is_set(), "who was in stays in"


def test_token_is_not_told(guarded, capfd, caplog):
    get(guarded.port, f"/?token={TOKEN}")
    get(guarded.port, f"/live?token={TOKEN}", Upgrade="nonsense")
    with raw(guarded.port) as connection:
        connection.sendall(f"GET /?token={TOKEN} HTTP/9.9\r\n\x01: \r\n\r\n".encode())
        connection.recv(1000)
    guarded.stop()
    told = capfd.readouterr()
    assert TOKEN not in told.out + told.err + caplog.text


# Viewers


def test_image_and_notes(server):
    server.put_note("hello", {"x": 1})
    with pages() as page:
        one = page(server.port)
        until(lambda: server.looking == [1])
        server.put_frame(frame(1))
        until(lambda: numbers(one) == [1])
        assert one.notes["hello"] == {"kind": "hello", "x": 1}
    until(lambda: server.looking == [1, 0])


def test_newest_wins_for_a_viewer_that_shows_slowly(server):
    with pages() as page:
        slow, fast = page(server.port, shows=False), page(server.port)
        until(lambda: len(server.looking) == 2)
        for i in range(1, 101):
            server.put_frame(frame(i))
            until(lambda i=i: numbers(fast)[-1:] == [i], "the fast one's image")
        assert numbers(fast) == list(range(1, 101)), "the slow one cost it nothing"
        assert numbers(slow) == list(range(1, hub.AHEAD + 1))
        slow.shown()
        until(lambda: len(slow.frames) > hub.AHEAD)
        assert numbers(slow)[-1] == 100, "and what was superseded never comes"


def test_ten_viewers_and_one_that_never_reads(server):
    """Images so large that they don't lie in the system's buffers."""
    with pages() as page:
        deaf = page(server.port, reads=False)
        others = [page(server.port) for _ in range(9)]
        until(lambda: server.looking[-1:] == [10])
        for i in range(1, 21):
            server.put_frame(frame(i, 1_000_000))
            until(lambda i=i: all(numbers(p)[-1:] == [i] for p in others), f"image {i} at all nine")
        assert all(numbers(p) == list(range(1, 21)) for p in others)
        assert len(server._hub.viewers) in (9, 10)
        until(lambda: server.looking[-1] == 9, "the deaf one to be let go")
        assert not deaf.frames


def test_too_many_viewers():
    with serving(max_viewers=2) as server, pages() as page:
        first = [page(server.port) for _ in range(2)]
        third = page(server.port)
        until(third.closed.is_set)
        assert third.close_code == 1013
        assert not any(p.closed.is_set() for p in first)
        first[0].close()
        until(lambda: server.looking[-1] == 1)
        assert not page(server.port).closed.wait(0.3)


def test_who_shows_nothing_makes_room_for_who_looks(monkeypatch):
    """One client that holds all slots, and answers pings, holds them while nobody wants them."""
    monkeypatch.setattr(hub, "PATIENCE", 1.0)
    with serving(max_viewers=3) as server, pages() as page:
        idle = [page(server.port, shows=False) for _ in range(2)]
        looking = page(server.port)
        for number in range(15):
            server.put_frame(frame(number, 100))
            time.sleep(0.1)
        third, fourth = page(server.port), page(server.port)
        until(lambda: all(p.closed.is_set() for p in idle), "room")
        assert not any(p.closed.is_set() for p in (looking, third, fourth))
        fifth = page(server.port)
        until(fifth.closed.is_set)
        assert fifth.close_code == 1013


@pytest.mark.parametrize(
    "said",
    ["", "{", "null", '{"set": 1}', '{"set": ["a", null]}', '{"set": ["a", NaN]}', b"\x00",
     '{"set": ["a", 1e999]}', "[" * 4000, '"' + "x" * 5000 + '"', '{"set": ["a", [1]]}'],
)  # fmt: skip
def test_nonsense_ends_that_viewer_alone(server, said):
    with pages() as page:
        mad, other = page(server.port), page(server.port)
        mad.send(said)
        until(mad.closed.is_set)
        assert mad.close_code in (1008, 1009)
        until(lambda: server.looking[-1] == 1)
        server.put_frame(frame(1))
        until(lambda: numbers(other) == [1])


def test_flood_of_messages(server):
    with pages() as page:
        mad, other = page(server.port), page(server.port)
        with suppress(ConnectionError):
            for _ in range(100 * hub.MAX_MESSAGES):
                mad.shown()
                if mad.closed.is_set():
                    break
        until(mad.closed.is_set)
        assert mad.close_code == 1008
        until(lambda: server.looking[-1] == 1)
        assert not other.closed.is_set()


def test_changes_are_passed_on():
    asked = []
    with serving(asked=lambda *wish: asked.append(wish)) as server, pages() as page:
        one = page(server.port)
        one.send({"set": ["max_faces", 3]})
        one.send({"set": ["detector", "<b>"]})
        until(lambda: len(asked) == 2)
        assert asked == [("max_faces", 3), ("detector", "<b>")]


# 100 MB, and connections that only lie there


@pytest.mark.parametrize("path", ["/", "/live", "/none"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_100_mb_in_a_request(server, path, method):
    sent = 0
    with pages() as page:
        other = page(server.port)
        with raw(server.port) as connection:
            head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {BIG}\r\n\r\n"
            connection.sendall(head.encode())
            try:
                while sent < BIG:
                    sent += connection.send(bytes(1_000_000))
            except OSError:
                pass
        assert sent < BIG / 5, "it was not even taken"
        server.put_frame(frame(1))
        until(lambda: numbers(other) == [1])


def test_100_mb_in_a_message(server):
    with pages() as page:
        mad, other = page(server.port), page(server.port)
        try:
            mad.send(b"\0" * BIG)
        except Exception as error:  # the connection's end, whatever its side makes of it
            assert type(error).__name__ != "TimeoutError"  # noqa: PT017
        until(mad.closed.is_set)
        until(lambda: server.looking[-1] == 1)
        server.put_frame(frame(1))
        until(lambda: numbers(other) == [1])


def test_100_mb_of_headers(server):
    sent = 0
    with raw(server.port) as connection:
        try:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
            while sent < BIG:
                sent += connection.send(b"x" * 1_000_000)
        except OSError:
            pass
    assert sent < BIG / 5
    assert get(server.port)[0] == 200


def test_connections_that_ask_nothing(server):
    """Two hundred of them: the viewer's own stays, and others still get in."""
    with pages() as page, ExitStack() as stack:
        one = page(server.port)
        for _ in range(200):
            stack.enter_context(raw(server.port))
        assert get(server.port)[0] == 200
        until(lambda: len(server._idle()) <= MAX_IDLE)
        server.put_frame(frame(1))
        until(lambda: numbers(one) == [1])


def test_connections_end_after_a_while(server):
    with raw(server.port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHo")
        began = time.monotonic()
        with suppress(ConnectionResetError):
            assert connection.recv(100) == b""
        assert time.monotonic() - began < IDLE + 10


def test_stop_with_viewers(server):
    with pages() as page:
        one = page(server.port)
        until(lambda: server.looking)
        server.stop()
        until(one.closed.is_set)
        server.put_frame(frame(1))  # nobody minds
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", server.port), timeout=5)
