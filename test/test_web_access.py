# SPDX-License-Identifier: Apache-2.0
"""Who may look: names, origins, tokens, guesses."""

import os
import socket
from pathlib import Path

import pytest

from fer_ros.web.access import (
    MAX_ADDRESSES,
    MAX_WRONG,
    PERIOD,
    Access,
    TokenError,
    Verdict,
    choose_token,
    is_loopback,
    is_read_by_others,
    own_names,
)

TOKEN = "correct-horse-battery"
ADMITTED, NO_TOKEN, WRONG, TOO_MANY = Verdict


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def access(clock):
    return Access(TOKEN, own_names(["robot.example", " Kitchen "]), clock)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True),
        ("0.0.0.0", False), ("::", False), ("192.168.1.5", False), ("robot", False), ("", False),
    ],
)  # fmt: skip
def test_who_hears_a_host(host, expected):
    assert is_loopback(host) is expected


def test_no_token_where_nobody_else_hears():
    assert choose_token("127.0.0.1") == ("", False)


def test_a_token_is_made_where_others_hear():
    token, made = choose_token("0.0.0.0")
    assert made
    assert len(token) >= 32
    assert choose_token("0.0.0.0")[0] != token


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_given_token_holds(host, tmp_path):
    assert choose_token(host, TOKEN) == (TOKEN, False)
    file = tmp_path / "token"
    file.write_text("of-the-file\n")
    file.chmod(0o600)
    assert choose_token(host, TOKEN, str(file)) == ("of-the-file", False)


@pytest.mark.parametrize(
    "content", ["short", "two words here", "ümlaut-ümlaut", "x" * 7, "x" * 5000]
)
def test_bad_tokens_are_not_told(tmp_path, content):
    file = tmp_path / "token"
    file.write_text(content)
    file.chmod(0o600)
    for arguments in (("0.0.0.0", content), ("0.0.0.0", "", str(file))):
        with pytest.raises(TokenError) as error:
            choose_token(*arguments)
        assert content not in str(error.value)
        assert "\n" not in str(error.value)


def test_token_file_that_is_not_there(tmp_path):
    with pytest.raises(TokenError, match="No such file"):
        choose_token("0.0.0.0", "", str(tmp_path / "none"))


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize("token", ["", TOKEN])
@pytest.mark.parametrize("content", [b"", b"\n", b" \t\r\n", b"\0", b"\xff\xfe", None])
def test_a_token_file_without_a_token_never_opens_the_door(tmp_path, host, token, content):
    """Nor does it make one up, or fall back to ``token``: who names a file wants that one."""
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
        file.chmod(0o600)
    with pytest.raises(TokenError) as error:
        choose_token(host, token, str(file))
    assert f"chmod 600 {file}" in str(error.value) or content == b"\0"
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o666, 0o602, 0o444])
def test_a_token_that_every_user_reads_is_none(tmp_path, mode):
    file = tmp_path / "token"
    file.write_text(TOKEN)
    file.chmod(mode)
    with pytest.raises(TokenError, match=f"chmod 600 {file}"):
        choose_token("127.0.0.1", "", str(file))


def test_what_is_no_file_holds_no_token(tmp_path):
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
        with pytest.raises(TokenError, match="chmod 600"):
            choose_token("127.0.0.1", "", str(path))


def test_token_file_for_others(tmp_path):
    file = tmp_path / "token"
    file.write_text(TOKEN)
    for mode, expected in ((0o600, False), (0o400, False), (0o640, True)):
        file.chmod(mode)
        assert choose_token("127.0.0.1", "", str(file)) == (TOKEN, False)
        assert is_read_by_others(str(file)) is expected


@pytest.mark.parametrize(
    "header",
    [
        "localhost", "localhost:8080", "LOCALHOST:1", "127.0.0.1:8080", "[::1]:8080", "[::1]",
        "192.168.1.5:8080", "robot.example", "kitchen:99", socket.gethostname(),
        f"{socket.gethostname().partition('.')[0]}.local:8080", "localhost.",
    ],
)  # fmt: skip
def test_hosts_of_ours(access, header):
    assert access.knows_host(header, "192.168.1.5")


@pytest.mark.parametrize(
    "header",
    [
        None, "", "evil.example", "192.168.1.6", "localhost.evil.example", "localhost@evil.example",
        "evil.example#localhost", "localhost localhost", "localhost:port", "[::2]",
        "127.0.0.1.nip.io", "local\u0130host", ":8080", "localhost:8080:9", "xlocalhost",
    ],
)  # fmt: skip
def test_hosts_of_others(access, header):
    assert not access.knows_host(header, "192.168.1.5")


def test_own_address_in_ipv6(access):
    assert access.knows_host("192.168.1.5:80", "::ffff:192.168.1.5")
    assert access.knows_host("[fe80::1]:80", "fe80::1%eth0")
    assert not access.knows_host("[fe80::2]:80", "fe80::1%eth0")


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (None, True), ("http://robot:8080", True), ("https://robot:8080", True),
        ("http://Robot:8080", True), ("http://robot", False), ("http://robot:8081", False),
        ("null", False), ("", False), ("file://", False), ("http://evil.example", False),
        ("http://robot:8080.evil.example", False), ("http://evil.example/http://robot:8080", False),
    ],
)  # fmt: skip
def test_origins(access, origin, expected):
    assert access.knows_origin(origin, "robot:8080") is expected


def test_without_a_token_all_are_admitted():
    access = Access()
    assert not access.demands_token
    assert access.admit("1.2.3.4", None, None) is ADMITTED


def test_token_and_cookie(access):
    assert access.demands_token
    assert access.admit("1.2.3.4", None, None) is NO_TOKEN
    assert access.admit("1.2.3.4", None, TOKEN) is ADMITTED
    assert access.admit("1.2.3.4", access.cookie, None) is ADMITTED
    assert access.admit("1.2.3.4", TOKEN, None) is NO_TOKEN
    assert access.admit("1.2.3.4", None, TOKEN + "x") is WRONG
    assert access.admit("1.2.3.4", None, "") is WRONG
    assert access.admit("1.2.3.4", None, "\udcff\u20ac") is WRONG


def test_cookie_outlives_a_restart_and_hides_the_token(access):
    again, other = Access(TOKEN), Access(TOKEN + "2")
    assert (again.cookie, again.cookie_name) == (access.cookie, access.cookie_name)
    assert other.cookie != access.cookie
    assert other.cookie_name != access.cookie_name
    assert TOKEN not in access.cookie + access.cookie_name


def test_ten_wrong_ones_a_minute(access, clock):
    for _ in range(MAX_WRONG):
        assert access.admit("1.2.3.4", None, "guess") is WRONG
    assert access.admit("1.2.3.4", None, "guess") is TOO_MANY
    assert access.admit("1.2.3.4", None, TOKEN) is TOO_MANY, "or guessing would go on"
    assert access.admit("1.2.3.4", access.cookie, None) is ADMITTED, "who is in stays in"
    assert access.admit("1.2.3.5", None, TOKEN) is ADMITTED, "nobody else pays for it"
    clock.now += PERIOD
    assert access.admit("1.2.3.4", None, TOKEN) is ADMITTED


def test_a_network_of_ipv6_is_one_visitor(access):
    for i in range(MAX_WRONG):
        access.admit(f"2001:db8::{i:x}", None, "guess")
    assert access.admit("2001:db8::ffff", None, TOKEN) is TOO_MANY
    assert access.admit("2001:db8:0:1::1", None, TOKEN) is ADMITTED


def test_old_cookies_are_no_guesses(access):
    for _ in range(5 * MAX_WRONG):
        assert access.admit("1.2.3.4", "of yesterday", None) is NO_TOKEN
    assert access.admit("1.2.3.4", None, TOKEN) is ADMITTED


def test_memory_of_guesses_is_bounded(access):
    for i in range(2 * MAX_ADDRESSES):
        access.admit(f"10.0.{i // 256}.{i % 256}", None, "guess")
    assert len(access._wrong) <= MAX_ADDRESSES
