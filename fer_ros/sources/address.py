# SPDX-License-Identifier: Apache-2.0
"""What a source is called: by a word, or by a file that holds it; and never with its password."""

import os
import re
from contextlib import suppress
from pathlib import Path

from fer_ros.lines import LineError, shown

MAX_ADDRESS = 4096  # characters
V4L = 81
"""Linux's major number of cameras, as its list of devices has it."""
# To the last @ of the word: a password may hold what an address must not, a quotation mark too.
_PASSWORD = re.compile(r"(:/{1,2}[^\s:/@]*):(?:[^\s\"'<>]|[\"'<>](?=[^\s,:/]{0,99}@))*@")
# As makers of cameras have it: ?pwd=, ;password=, /user=admin_password=, passphrase of SRT.
_SECRET = re.compile(
    r"([?&;/_](?:[\w.-]{0,40}(?:pass\w{0,9}|pas|pwd|token|secret|key|auth|sig|signature"
    r"|credential|jwt|session|session_?id|sid)(?:\[\]|%5B%5D)?)=)[^\s&;\"'<>#]+",
    re.IGNORECASE,
)


class SourceError(LineError, ValueError):
    """The source gives no image; the message is one line that says why and the way out."""


def masked(text: object) -> str:
    """The text, in which ``user:secret@`` of every address is ``user:***@``."""
    return _SECRET.sub(r"\1***", _PASSWORD.sub(r"\1:***@", str(text)))


def source_of(word: str) -> str:
    """The source that is meant: ``@FILE`` is what that file holds, as an address may be secret.

    Raises SourceError.
    """
    if not word.startswith("@"):
        return word
    name = shown(word[1:])
    try:
        with Path(word[1:]).expanduser().open("rb") as file:
            text = file.read(MAX_ADDRESS + 1).decode("utf-8").strip()
    except (OSError, ValueError, RuntimeError) as error:
        why = getattr(error, "strerror", "") or "not a text"
        raise SourceError(f"source in {name}: {why}") from None
    if not text or len(text) > MAX_ADDRESS or "\n" in text or text.startswith("@"):
        raise SourceError(f"source in {name}: expected one line with an address")
    return text


def existing(name: str) -> Path | None:
    """The file or folder of that name, else of what ``~`` in it stands for; None without either."""
    for find in (Path, _at_home):
        with suppress(OSError, ValueError, RuntimeError):  # too long, a NUL, the home of nobody
            if (path := find(name)).exists():
                return path
    return None


def _at_home(name: str) -> Path:
    return Path(name).expanduser()


def is_live(source: str) -> bool:
    """Whether the source is a camera (0, /dev/video0) or a stream (rtsp://...), without an end.
    What is a file or a folder is none, whatever its name; a folder called 0 is given as ./0.
    ``@FILE`` is what that file holds. Raises SourceError.
    """
    source = source_of(source)
    if source.isdecimal() and source.isascii():
        return True
    if path := existing(source):
        return path.is_char_device() and os.major(path.stat().st_rdev) == V4L
    is_stream = "://" in source and not source.startswith("file://")
    return source.startswith("/dev/video") or is_stream
