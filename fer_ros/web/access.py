# SPDX-License-Identifier: Apache-2.0
"""Who may look: names of this machine, origins, the token. Without ROS and without a server.

A browser sends what any page that it has open asks for. ``Host`` shows whether the page reached us
by a name of ours (else by DNS rebinding), ``Origin`` whether a page of ours asks (else another
site's does), and the token, whether its user may (OWASP, Cross-Site Request Forgery Prevention).
"""

import hashlib
import hmac
import ipaddress
import os
import re
import secrets
import shlex
import socket
import stat
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path

from fer_ros.lines import shown

MIN_TOKEN = 8  # characters; ten guesses a minute make nothing of that
MAX_TOKEN = 1024  # more does not go into an address
MAX_WRONG, PERIOD = 10, 60.0  # wrong tokens from one address, and the seconds they count for
MAX_ADDRESSES = 1024  # remembered for their wrong tokens
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")
_TOKEN = re.compile(r"[\x21-\x7e]+")


class TokenError(ValueError):
    """The token cannot be used; the message is one line that does not hold it."""


class Verdict(Enum):
    """What is made of a visitor."""

    ADMITTED = "admitted"
    NO_TOKEN = "no token"
    WRONG_TOKEN = "wrong token"
    TOO_MANY = "too many wrong tokens"


def is_loopback(host: str) -> bool:
    """Whether a server that listens on ``host`` is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def choose_token(host: str, token: str = "", token_file: str = "") -> tuple[str, bool]:
    """The token that visitors need, "" for none, and whether it was made here.

    ``token_file`` goes before ``token``; without both, one is made unless ``host`` is of this
    machine alone. Raises TokenError, also for a file that holds none or that every user may read:
    who names one wants a token.
    """
    if token_file:
        token = _read(Path(token_file))
    if not token:
        return ("", False) if is_loopback(host) else (secrets.token_urlsafe(24), True)
    if not MIN_TOKEN <= len(token) <= MAX_TOKEN or not _TOKEN.fullmatch(token):
        where = f"in {shown(token_file)}" if token_file else "given"
        raise TokenError(
            f"the token {where} cannot be used: {MIN_TOKEN} to {MAX_TOKEN} characters, ASCII, no "
            "spaces"
        )
    return token, False


def is_read_by_others(token_file: str) -> bool:
    """Whether other users of this machine, those of a group, may read the file."""
    return bool(Path(token_file).stat().st_mode & (stat.S_IRGRP | stat.S_IWGRP))


def own_names(allowed: Iterable[str] = ()) -> frozenset[str]:
    """The names by which this machine may be called: its own, with and without ``.local``, and
    those ``allowed``.
    """
    name = socket.gethostname().lower()
    short = name.partition(".")[0]
    given = (each.strip().lower() for each in allowed)
    return frozenset(filter(None, ("localhost", name, short, f"{short}.local", *given)))


class Access:
    """The rules for one server. ``token``: "" for none; ``names``: see ``own_names``."""

    def __init__(
        self,
        token: str = "",
        names: Iterable[str] = ("localhost",),
        clock: Callable[[], float] = time.monotonic,
    ):
        self._token = _digest(token) if token else None
        key = token.encode()
        self.cookie = hmac.digest(key, b"fer_ros web_view cookie", "sha256").hex()
        """What a browser that gave the token keeps in its place: the same after a restart, and no
        way back to the token."""
        self.cookie_name = f"fer_ros_{hmac.digest(key, b'name', 'sha256').hex()[:8]}"
        """Not the same for two robots, which may both be seen as ``localhost``."""
        self._names = frozenset(names)
        self._clock = clock
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()

    @property
    def demands_token(self) -> bool:
        """Whether a visitor needs one."""
        return self._token is not None

    def knows_host(self, header: str | None, address: str) -> bool:
        """Whether ``Host`` names this machine. ``address``: its own, on which the request came."""
        match = _HOST.fullmatch(header or "")
        if not match:
            return False
        host = match[1].strip("[]").lower().removesuffix(".")
        try:
            literal = ipaddress.ip_address(host)
        except ValueError:
            return host in self._names
        return literal.is_loopback or literal == _plain(address) or host in self._names

    @staticmethod
    def knows_origin(origin: str | None, host: str | None) -> bool:
        """Whether a request comes from a page of this server, or not from a page."""
        own = f"{host}".lower()
        return origin is None or origin.lower() in (f"http://{own}", f"https://{own}")

    def admit(self, address: str, cookie: str | None, given: str | None) -> Verdict:
        """What is made of a visitor from ``address`` with a cookie and a token, or without.

        A cookie cannot be guessed, and may be left from a token of yesterday, so a wrong one
        counts for nothing; a right one is taken whatever others from that address have tried.
        """
        if self._token is None:
            return Verdict.ADMITTED
        if cookie is not None and hmac.compare_digest(_digest(cookie), _digest(self.cookie)):
            return Verdict.ADMITTED
        if given is None:
            return Verdict.NO_TOKEN
        wrong = self._tries(_site(address))
        if len(wrong) >= MAX_WRONG:
            return Verdict.TOO_MANY
        if hmac.compare_digest(_digest(given), self._token):
            return Verdict.ADMITTED
        wrong.append(self._clock())
        return Verdict.WRONG_TOKEN

    def _tries(self, site):
        """When wrong tokens came from there within the period."""
        wrong = self._wrong.pop(site, None) or deque()
        self._wrong[site] = wrong
        if len(self._wrong) > MAX_ADDRESSES:
            self._wrong.popitem(last=False)
        while wrong and wrong[0] <= self._clock() - PERIOD:
            wrong.popleft()
        return wrong


def _read(path):
    name, cure = shown(path), f"chmod 600 {shlex.quote(shown(path))}"
    try:
        # Not blocking: a pipe that nobody writes to must not hold the start.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise TokenError(f"token_file {name}: not a file; make one, then {cure}")
            if found.st_mode & (stat.S_IROTH | stat.S_IWOTH):
                raise TokenError(f"token_file {name}: every user may read or change it: {cure}")
            token = file.read(2 * MAX_TOKEN).decode("ascii").strip()
    except (OSError, ValueError) as error:
        if isinstance(error, TokenError):
            raise
        why = getattr(error, "strerror", "") or "not ASCII text"
        raise TokenError(f"token_file {name}: {why}; a token in a file of yours, {cure}") from None
    if not token:
        raise TokenError(f"token_file {name}: it is empty: write a token into it, {cure}")
    return token


def _digest(text):
    # Of one length, so that comparing takes one time; no header is without a digest.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _plain(address):
    """An address without IPv6's clothes around IPv4, and without a zone; None for no address."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed


def _site(address):
    """What stands for a visitor: the address, of IPv6 the network, as a host has all of one."""
    parsed = _plain(address)
    if parsed is not None and parsed.version == 6 and not parsed.is_loopback:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
