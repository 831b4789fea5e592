# SPDX-License-Identifier: Apache-2.0
"""What is told in one line, whatever names and libraries' words are in it."""

import os


def shown(path: str | os.PathLike) -> str:
    """A path as it can be printed and written as UTF-8: bytes of its name that are not are escaped,
    as are control characters.
    """
    name = os.fspath(path)
    try:
        data = name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a letter, as JSON can hold it, and no file's name
        data = name.encode("utf-8", "backslashreplace")
    text = data.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class LineError(Exception):
    """An error whose message is one line, whatever it quotes: a file or a library's words about it
    may hold commands of a terminal.
    """

    def __init__(self, text: object):
        super().__init__(shown(str(text)))


def fault(error: Exception) -> str:
    """An error in one line that can be printed: of the system's own, the file and why, without its
    number.
    """
    why = getattr(error, "strerror", None)
    if not why:
        return shown(" ".join(str(error).split()) or type(error).__name__)
    name = getattr(error, "filename", None)
    return f"{shown(name)}: {why}" if isinstance(name, str) else why
