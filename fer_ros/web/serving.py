# SPDX-License-Identifier: Apache-2.0
"""From the parameters of web_view to its server: address, token, who may come."""

import socket
from collections.abc import Callable
from typing import Any

from fer_ros.parameters.options import WebViewOptions
from fer_ros.web.access import Access, TokenError, choose_token, is_read_by_others, own_names


def create_server(
    values: WebViewOptions,
    count: Callable[[int], None],
    request: Callable[[str, object], None],
) -> tuple[Any, str, str]:
    """The server, listening; prints the address with the token where it made one.

    Args:
        values: the node's parameters.
        count: called with the number of viewers when that changes.
        request: called with the name and the value of a parameter that a viewer wants changed.

    Returns:
        The server, its address, and what to warn of, empty when nothing.

    Raises:
        RuntimeError: aiohttp is not installed, the address is taken, or the token cannot be used.
    """
    try:
        from fer_ros.web.server import WebServer, listen
    except ImportError:
        raise RuntimeError(
            "web_view needs aiohttp, which is not installed: sudo apt install python3-aiohttp, "
            "or pip install aiohttp"
        ) from None
    try:
        token, made = choose_token(values.host, values.token, values.token_file)
        listening = listen(values.host, values.port)
    except TokenError as error:
        raise RuntimeError(str(error)) from None
    except OSError as error:
        where = f"{values.host}:{values.port}"
        raise RuntimeError(
            f"cannot listen on {where}: {error.strerror}; choose host and port"
        ) from None
    address = _address(values.host, listening.getsockname()[1])
    if made:  # not by the logger: that would tell it on the bus
        print(f"web_view: open {address}?token={token}", flush=True)
    access = Access(token, own_names(values.allowed_hosts.split(",")))
    warning = ""
    if values.token_file and is_read_by_others(values.token_file):
        warning = f"others may read the token: chmod 600 {values.token_file}"
    elif values.token and not values.token_file:
        warning = "a parameter can be read on the bus: use token_file"
    return WebServer(listening, access, values.max_viewers, count, request), address, warning


def _address(host: str, port: int) -> str:
    """Where a browser finds it: for all addresses, by the machine's name."""
    name = socket.gethostname() if host in ("0.0.0.0", "::") else host
    return f"http://{f'[{name}]' if ':' in name else name}:{port}/"
